import { condition, setHandler } from '@temporalio/workflow';
import type { RestreamState } from '../domain/destination.js';
import { statusOf } from '../domain/lifecycle/life.js';
import type { EndCause } from '../domain/stream.js';
import {
  continueAsNewSignal,
  deleteUpdate,
  destinationUpdate,
  disableUpdate,
  enableUpdate,
  encoderPlayableSignal,
  endUpdate,
  publishRefusedSignal,
  publishStartedSignal,
  publishStoppedSignal,
  restreamChangedSignal,
  restreamEndedSignal,
  snapshotQuery,
  stateQuery,
  streamHealthSignal,
  streamKeyRotatedSignal,
  type DestinationCommand,
  type EndResult,
  type StreamState,
} from './messages.js';
import { streamNotLive } from './restreams.js';
import type { StreamRun } from './stream-run.js';

/** Handlers only say what has happened or is wanted (and wait for it to show); the rules decide, and the main loop acts. */
export function registerHandlers(stream: StreamRun): void {
  setHandler(stateQuery, () => stream.state());
  setHandler(snapshotQuery, () => stream.snapshot());
  setHandler(publishStartedSignal, (started) => stream.take({ kind: 'publishStarted', started }));
  setHandler(publishStoppedSignal, (stopped) => stream.take({ kind: 'publishStopped', stopped }));
  setHandler(publishRefusedSignal, (refused) => stream.take({ kind: 'publishRefused', refused }));
  setHandler(streamHealthSignal, (health) => stream.take({ kind: 'health', health }));
  setHandler(streamKeyRotatedSignal, () => stream.take({ kind: 'keyRotated' }));
  setHandler(encoderPlayableSignal, (playable) => stream.take({ kind: 'encoderPlayable', ...playable }));
  setHandler(continueAsNewSignal, () => void (stream.continueRequested = true));
  setHandler(restreamEndedSignal, (ended) => stream.restreams?.inheritedEnded(ended));
  setHandler(restreamChangedSignal, (changed) => stream.restreams?.changed(changed));
  setHandler(destinationUpdate, (command) => destination(stream, command));
  setHandler(endUpdate, ({ cause }) => end(stream, cause));
  setHandler(disableUpdate, async () => {
    stream.take({ kind: 'disabled' });
    if (stream.life.broadcast) await ending(stream);
    await stream.shown();
    return stream.state();
  });
  setHandler(enableUpdate, async () => {
    stream.take({ kind: 'enabled' });
    await stream.shown();
    return stream.state();
  });
  setHandler(deleteUpdate, async (): Promise<StreamState> => {
    stream.take({ kind: 'deleteRequested' });
    return stream.state();
  });
}

async function end(stream: StreamRun, cause: EndCause): Promise<EndResult> {
  const status = statusOf(stream.life);
  if (status === 'ended') return { alreadyEnded: true, status };
  const hadBroadcast = stream.life.broadcast !== null;
  stream.take({ kind: 'endRequested', cause });
  await ending(stream);
  await stream.shown();
  const now = statusOf(stream.life);
  return { alreadyEnded: !hadBroadcast && now === 'idle', status: now };
}

/** Resolves once the end that was asked for has begun, or there was nothing to end. */
async function ending(stream: StreamRun): Promise<void> {
  await condition(() => stream.life.endCause === null || statusOf(stream.life) === 'ending');
}

async function destination(stream: StreamRun, command: DestinationCommand): Promise<RestreamState | null> {
  if (stream.restreams && !stream.life.broadcast?.ending) return stream.restreams.command(command);
  if (command.command === 'start' || command.command === 'retry') throw streamNotLive();
  return null;
}
