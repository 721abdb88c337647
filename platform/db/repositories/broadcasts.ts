import type { Knex } from 'knex';
import type { Rendition } from '../../../domain/ladder.js';
import type { SourceLayout } from '../../../domain/source.js';
import type { EndCause, StreamStatus } from '../../../domain/stream.js';
import { readPage, type Page, type PageRequest } from './page.js';

/** One row of `broadcasts`, as pg returns it. */
export interface BroadcastRow {
  id: string;
  stream_id: string;
  host_id: string;
  status: Exclude<StreamStatus, 'idle'>;
  source: SourceLayout | null;
  renditions: Rendition[];
  started_at: Date;
  live_at: Date | null;
  ended_at: Date | null;
  end_cause: EndCause | null;
  duration_seconds: number | null;
  /** bigint: pg gives text. */
  bytes: string | null;
  media_deleted_at: Date | null;
  version: number;
}

export interface BroadcastRecord {
  id: string;
  streamId: string;
  status: Exclude<StreamStatus, 'idle'>;
  source: SourceLayout | null;
  renditions: Rendition[];
  startedAt: Date;
  liveAt: Date | null;
  endedAt: Date | null;
  endCause: EndCause | null;
  durationSeconds: number | null;
  bytes: number | null;
  /** When its segments were removed; null while they are kept. */
  mediaDeletedAt: Date | null;
}

export type BroadcastRepository = ReturnType<typeof createBroadcastRepository>;

/** Broadcasts of streams that were not deleted. */
export function createBroadcastRepository(db: Knex) {
  const present = () => db<BroadcastRow>('broadcasts').whereIn('stream_id', db('streams').select('id').whereNull('deleted_at'));
  return {
    async find(id: string): Promise<BroadcastRecord | null> {
      const row = await present().where({ id }).first();
      return row ? toBroadcast(row) : null;
    },

    /** The newest broadcast of a stream: the one its playback id shows. */
    async findLatest(streamId: string): Promise<BroadcastRecord | null> {
      const { items } = await this.listOf(streamId, { after: null, limit: 1 });
      return items[0] ?? null;
    },

    /** Newest first by start. */
    async listOf(streamId: string, page: PageRequest): Promise<Page<BroadcastRecord>> {
      const query = present().where({ stream_id: streamId });
      const { items, more } = await readPage<BroadcastRow>(query, 'started_at', page);
      return { items: items.map(toBroadcast), more };
    },
  };
}

const toBroadcast = (row: BroadcastRow): BroadcastRecord => ({
  id: row.id,
  streamId: row.stream_id,
  status: row.status,
  source: row.source,
  renditions: row.renditions,
  startedAt: row.started_at,
  liveAt: row.live_at,
  endedAt: row.ended_at,
  endCause: row.end_cause,
  durationSeconds: row.duration_seconds,
  bytes: row.bytes === null ? null : Number(row.bytes),
  mediaDeletedAt: row.media_deleted_at,
});
