import { HoldfastError, type ErrorCode } from '../domain/errors.js';
import type { RestreamState } from '../domain/destination.js';
import type { DestinationCommand } from '../workflows/messages.js';
import type { ApiDependencies } from './dependencies.js';

export interface ToldDestination {
  /** False when there was no broadcast that could have to know. */
  told: boolean;
  state: RestreamState | null;
}

/** What a stream without a broadcast answers: then there is nothing to send, and the row is all that counts. */
const NOTHING_ON_AIR: readonly ErrorCode[] = ['stream_not_live', 'stream_ending', 'stream_ended'];

/**
 * Tells the stream's workflow of a destination whose row has just changed. Without a broadcast it is not asked, so
 * that destinations can be edited while no worker runs: a broadcast's row is written before its workflow reads the
 * destinations, so a workflow that is not seen here yet will see the row. Throws `temporal_unavailable` or
 * `workers_unavailable`.
 */
export async function tellDestination(
  { broadcasts, commands }: Pick<ApiDependencies, 'broadcasts' | 'commands'>,
  streamId: string,
  command: DestinationCommand,
  commandId: string,
): Promise<ToldDestination> {
  const broadcast = await broadcasts.findLatest(streamId);
  if (broadcast === null || broadcast.status === 'ended') return { told: false, state: null };
  try {
    const answer = await commands.destination(streamId, command, commandId);
    return { told: true, state: answer?.state ?? null };
  } catch (error) {
    if (error instanceof HoldfastError && NOTHING_ON_AIR.includes(error.code)) return { told: true, state: null };
    throw error;
  }
}
