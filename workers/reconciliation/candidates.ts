import type { StreamStatus } from '../../domain/stream.js';

/** What somebody says a stream is. */
export interface StatedStream {
  streamId: string;
  status: StreamStatus;
}

export interface Question {
  /** Temporal's list: the streams that are busy or have just ended. It lags behind by some seconds. */
  listed: readonly StatedStream[];
  /** The rows of these, and of those that Postgres calls busy. */
  shown: readonly StatedStream[];
  /** At most so many are asked now. */
  limit: number;
  /** Counts up, so that all have their turn where there are more than may be asked. */
  round: number;
}

/**
 * Whose workflow is to be asked, those first about whom Temporal and Postgres differ. A stream that has no row is left
 * alone: it was deleted, or its creation was lost with a restored database, and its settings with it.
 */
export function candidates({ listed, shown, limit, round }: Question): string[] {
  const statuses = new Map(listed.map(({ streamId, status }) => [streamId, status]));
  const differing: string[] = [];
  const agreeing: string[] = [];
  for (const { streamId, status } of shown) {
    const says = statuses.get(streamId);
    if (says !== status) differing.push(streamId);
    else if (status !== 'ended') agreeing.push(streamId);
  }
  const first = turn(differing, limit, round);
  return [...first, ...turn(agreeing, limit - first.length, round)];
}

/** `count` of them, beginning where the last round of as many ended. */
function turn(all: readonly string[], count: number, round: number): string[] {
  if (all.length <= count) return [...all];
  const sorted = [...all].sort();
  const start = (round * count) % sorted.length;
  return [...sorted.slice(start), ...sorted.slice(0, start)].slice(0, count);
}
