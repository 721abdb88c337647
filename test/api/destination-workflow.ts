import { ApplicationFailure, condition, setHandler } from '@temporalio/workflow';
import type { RestreamState } from '../../domain/destination.js';
import {
  deleteUpdate,
  destinationUpdate,
  endUpdate,
  type DestinationCommand,
  type EndResult,
  type StreamState,
} from '../../workflows/messages.js';
import { commandsQuery, liveSignal } from './destination-messages.js';

const state = (destinationId: string, status: RestreamState['status']): RestreamState => ({
  destinationId,
  status,
  attempts: 7,
  lastError: null,
  nextAttemptAt: null,
  startedAt: null,
});

/** A stream that is live when the test says so, and that remembers what it was told of destinations. */
export async function streamWorkflow({ streamId }: { streamId: string }): Promise<void> {
  const told: DestinationCommand[] = [];
  let live = false;
  let ended = false;
  setHandler(commandsQuery, () => told);
  setHandler(liveSignal, (now) => void (live = now));
  setHandler(destinationUpdate, (wanted) => {
    told.push(wanted);
    const { command, destinationId } = wanted;
    if (live) return state(destinationId, command === 'stop' || command === 'removed' ? 'ended' : 'starting');
    if (command === 'start' || command === 'retry') throw ApplicationFailure.nonRetryable('Not live.', 'stream_not_live');
    return null;
  });
  setHandler(endUpdate, (): EndResult => {
    ended = true;
    return { alreadyEnded: false, status: 'ended' };
  });
  setHandler(deleteUpdate, (): StreamState => {
    ended = true;
    const nothing = { broadcastId: null, lastBroadcastId: null, hostId: null };
    return { streamId, status: 'ended', disabled: false, ...nothing, sequence: 0, written: true };
  });
  await condition(() => ended);
}
