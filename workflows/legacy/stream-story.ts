import { allHandlersFinished, CancellationScope, condition, continueAsNew, patched, setHandler, workflowInfo } from '@temporalio/workflow';
import type { RestreamState } from '../../domain/destination.js';
import type { EndCause } from '../../domain/stream.js';
import { Broadcast } from './broadcast.js';
import {
  continueAsNewSignal,
  deleteUpdate,
  destinationUpdate,
  disableUpdate,
  enableUpdate,
  endUpdate,
  publishRefusedSignal,
  publishStartedSignal,
  publishStoppedSignal,
  restreamChangedSignal,
  restreamEndedSignal,
  stateQuery,
  streamHealthSignal,
  streamKeyRotatedSignal,
  type DestinationCommand,
  type EndResult,
  type StreamState,
  type StreamWorkflowInput,
} from '../messages.js';
import { catalog, mediaCommands, patientMediaCommands } from '../proxies.js';
import { streamNotLive } from './restreams.js';
import { StreamLifecycle } from './stream-lifecycle.js';

/** An update answers when Postgres shows its effect, but not later than this: a database that is away must not hold it. */
const PROJECTION_WAIT = '2 seconds';

/** An idle run from before may be as old as its stream: it makes room for one of today. */
const IDLE_RUN_MAKES_ROOM = 'idle-run-makes-room';
const mayMakeRoom = (life: StreamLifecycle): boolean =>
  (workflowInfo().continueAsNewSuggested || life.continueRequested) &&
  life.outbox.drained &&
  allHandlersFinished() &&
  patched(IDLE_RUN_MAKES_ROOM);

/**
 * The story of a stream as runs from before domain/lifecycle tell it: kept as it was, for their histories. A run that begins
 * now, or goes on with such a one, is told in ../stream-workflow.ts. To be removed with the first release after 0.2: by then
 * no such run is left (a broadcast lasts at most 7 days; an idle one is moved on by the signal `continueAsNew`).
 */
export async function streamStoryOfOldRun(input: StreamWorkflowInput): Promise<StreamState> {
  const life = new StreamLifecycle(input);
  registerHandlers(life);
  // An operator's cancel in the Temporal UI ends the broadcast in the defined order, it does not cut it off.
  CancellationScope.current().cancelRequested.catch(() => life.requestEnd('operator'));
  return CancellationScope.nonCancellable(() => live(life, input));
}

async function live(life: StreamLifecycle, input: StreamWorkflowInput): Promise<StreamState> {
  void life.outbox.run();
  const unfinished = input.carried?.broadcast;
  if (unfinished) return runBroadcast(life, Broadcast.resume(life, unfinished));
  if (!input.carried && !input.purge) life.transition({ status: 'idle', event: { type: 'stream.created' } });
  for (;;) {
    await condition(() => life.wanted || mayMakeRoom(life));
    if (!life.wanted) return continueAsNew<typeof streamStoryOfOldRun>({ streamId: life.streamId, carried: life.carry() });
    if (life.deleteRequested) return purge(life);
    if (life.endCause) {
      if (await endWithoutBroadcast(life, life.endCause)) return finished(life);
      continue;
    }
    if (life.disabled) {
      await refusePublisher(life);
      continue;
    }
    return runBroadcast(life, new Broadcast(life, life.publisher!));
  }
}

/** A broadcast to its end, or to the point where a new run goes on with it. */
async function runBroadcast(life: StreamLifecycle, broadcast: Broadcast): Promise<StreamState> {
  const { reusable, unfinished } = await broadcast.run();
  const { streamId } = life;
  if (unfinished) return continueAsNew<typeof streamStoryOfOldRun>({ streamId, carried: { ...life.carry(), broadcast: unfinished } });
  life.endCause = null;
  if (life.deleteRequested) return purge(life);
  if (!reusable) return finished(life);
  await settled(life);
  return continueAsNew<typeof streamStoryOfOldRun>({ streamId, carried: life.carry() });
}

/** Handlers only note what is wanted (and wait for it to show); the main loop acts. */
function registerHandlers(life: StreamLifecycle): void {
  setHandler(stateQuery, () => life.state());
  setHandler(publishStartedSignal, (started) => life.publishStarted(started));
  setHandler(publishStoppedSignal, (stopped) => life.publishStopped(stopped));
  setHandler(publishRefusedSignal, (refused) => life.publishRefused(refused));
  setHandler(streamHealthSignal, (health) => life.health(health));
  setHandler(streamKeyRotatedSignal, () => {
    if (life.inBroadcast && life.publisher) life.keyRotated = true;
  });
  setHandler(continueAsNewSignal, () => void (life.continueRequested = true));
  setHandler(restreamEndedSignal, (ended) => life.restreamEnded(ended));
  setHandler(restreamChangedSignal, (changed) => life.restreamChanged(changed));
  setHandler(destinationUpdate, (command) => destination(life, command));
  setHandler(endUpdate, ({ cause }) => end(life, cause));
  setHandler(disableUpdate, async () => {
    if (!life.disabled) {
      life.disabled = true;
      life.transition({ status: life.status });
    }
    if (life.inBroadcast) await end(life, 'disabled');
    await shown(life);
    return life.state();
  });
  setHandler(enableUpdate, async () => {
    if (life.disabled) {
      life.disabled = false;
      life.transition({ status: life.status });
    }
    await shown(life);
    return life.state();
  });
  setHandler(deleteUpdate, async () => {
    life.deleteRequested = true;
    if (life.inBroadcast) life.requestEnd('deleted');
    return life.state();
  });
}

async function end(life: StreamLifecycle, cause: EndCause): Promise<EndResult> {
  if (life.status === 'ended') return { alreadyEnded: true, status: life.status };
  const hadBroadcast = life.inBroadcast;
  if (life.status !== 'ending') {
    life.requestEnd(cause);
    await condition(() => life.status === 'ending' || life.endCause === null || life.status === 'ended');
  }
  await shown(life);
  return { alreadyEnded: !hadBroadcast && life.status === 'idle', status: life.status };
}

async function destination(life: StreamLifecycle, command: DestinationCommand): Promise<RestreamState | null> {
  if (life.restreams) return life.restreams.command(command);
  if (command.command === 'start' || command.command === 'retry') throw streamNotLive();
  return null;
}

async function shown(life: StreamLifecycle): Promise<void> {
  await condition(() => life.outbox.drained, PROJECTION_WAIT);
}

/** End asked of an idle stream: a one-shot stream will never be published to; a reusable one has nothing to end. */
async function endWithoutBroadcast(life: StreamLifecycle, cause: EndCause): Promise<boolean> {
  const { reusable } = await catalog.streamSettings(life.streamId);
  if (reusable) {
    life.endCause = null;
    return false;
  }
  await refusePublisher(life);
  life.transition({ status: 'ended', event: { type: 'stream.ended', cause } });
  return true;
}

/** A publisher that was accepted in the moment the stream was disabled or ended. */
async function refusePublisher(life: StreamLifecycle): Promise<void> {
  const publisher = life.publisher;
  if (!publisher) return;
  life.publisher = null;
  const input = { publishId: publisher.publishId, reason: life.disabled ? 'the stream is disabled' : 'the stream has ended' };
  try {
    await mediaCommands(publisher.hostId).disconnectPublisher.executeWithOptions({ summary: input.reason }, [input]);
  } catch {
    // Its host is gone, and the publisher with it; Temporal keeps the failure.
  }
}

async function finished(life: StreamLifecycle): Promise<StreamState> {
  await refusePublisher(life);
  await settled(life);
  return life.state();
}

async function settled(life: StreamLifecycle): Promise<void> {
  await condition(() => life.outbox.drained && allHandlersFinished());
}

/** Files first, then the rows that name them. */
async function purge(life: StreamLifecycle): Promise<StreamState> {
  await refusePublisher(life);
  await settled(life);
  for (const { broadcastId, hostId } of await catalog.broadcastsOf(life.streamId)) {
    await patientMediaCommands(hostId).deleteMedia.executeWithOptions({ summary: broadcastId }, [{ broadcastId }]);
  }
  await catalog.purgeStream(life.streamId);
  return life.state();
}
