import type { StreamProjection } from '../../domain/contracts/catalog.js';

/** How far the rows of a stream have come. */
export interface WrittenState {
  version: number;
  lastSequence: number;
  /** Of the events that the snapshot has, and later ones. */
  events: number;
  hasBroadcast: boolean;
}

/**
 * What of a workflow's snapshot the rows lack; null: nothing that could be written. Rows of the same version are the
 * workflow's own words, and what others have added to a recording since then stays; only what is not there at all is added.
 */
export function missingPart(snapshot: StreamProjection, written: WrittenState | null): StreamProjection | null {
  if (written === null || written.version > snapshot.version) return null;
  if (written.version < snapshot.version) return snapshot;
  const { recording: _recording, restreams: _restreams, ...rest } = snapshot;
  const lacksBroadcast = snapshot.broadcast !== undefined && !written.hasBroadcast;
  if (lacksBroadcast && snapshot.opened?.broadcastId === snapshot.broadcast?.broadcastId) return snapshot;
  if ((snapshot.events.at(-1)?.sequence ?? 0) > written.lastSequence) return rest;
  // A gap in the middle: the rows were restored to an earlier moment, and something was written to them since.
  return written.events < snapshot.events.length ? snapshot : null;
}
