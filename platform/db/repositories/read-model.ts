import type { Knex } from 'knex';
import type { StreamStatus } from '../../../domain/stream.js';
import type { StreamRow } from './stream-row.js';

/** A stream as Postgres shows it. */
export interface ShownStream {
  streamId: string;
  status: StreamStatus;
}

/** How far the rows of a stream have come. */
export interface ShownState {
  /** Of the workflow's newest write. */
  version: number;
  /** Number of the last event; 0 = there is none. */
  lastSequence: number;
  /** How many events there are from the one asked about on. */
  events: number;
  hasBroadcast: boolean;
}

const AT_REST: readonly StreamStatus[] = ['idle', 'ended'];

export type ReadModel = ReturnType<typeof createReadModel>;

/** What is shown of streams, for comparing it with what their workflows know. */
export function createReadModel(db: Knex) {
  const shown = () => db<StreamRow>('streams').select('id', 'status');
  return {
    /** Streams that are neither idle nor ended. */
    async busy(limit: number): Promise<ShownStream[]> {
      return (await shown().whereNotIn('status', AT_REST).orderBy('id').limit(limit)).map(toShown);
    },

    /** Those of these that have a row. */
    async among(streamIds: readonly string[]): Promise<ShownStream[]> {
      return streamIds.length === 0 ? [] : (await shown().whereIn('id', [...streamIds])).map(toShown);
    },

    /**
     * Null when the stream has no row.
     *
     * @param broadcastId whether this one has a row; null: none is asked for
     * @param fromSequence how many events there are from this one on
     */
    async stateOf(streamId: string, broadcastId: string | null, fromSequence: number): Promise<ShownState | null> {
      const row = (await db('streams')
        .where({ 'streams.id': streamId })
        .leftJoin('broadcasts', (join) => void join.on('broadcasts.stream_id', 'streams.id').andOnVal('broadcasts.id', broadcastId ?? ''))
        .first(
          'streams.version as version',
          'broadcasts.id as broadcast_id',
          db('events').max('sequence').where({ stream_id: streamId }).as('last_sequence'),
          db('events').count('*').where({ stream_id: streamId }).where('sequence', '>=', fromSequence).as('events'),
        )) as { version: number; broadcast_id: string | null; last_sequence: number | null; events: string } | undefined;
      if (!row) return null;
      const { version, last_sequence: last, events } = row;
      return { version, lastSequence: last ?? 0, events: Number(events), hasBroadcast: row.broadcast_id !== null };
    },
  };
}

const toShown = ({ id, status }: Pick<StreamRow, 'id' | 'status'>): ShownStream => ({ streamId: id, status });
