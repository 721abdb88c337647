import type { Knex } from 'knex';
import type { RecordingStatus } from '../../../domain/contracts/catalog.js';
import { partsOf, type PartRecord } from './broadcast-parts.js';
import { readPage, type Page, type PageRequest } from './page.js';

/** One row of `recordings`, as pg returns it. */
export interface RecordingRow {
  id: string;
  stream_id: string;
  broadcast_id: string;
  status: RecordingStatus;
  duration_seconds: number | null;
  /** bigint: pg gives text. */
  bytes: string | null;
  version: number;
  created_at: Date;
  updated_at: Date;
}

export interface RecordingRecord {
  id: string;
  streamId: string;
  broadcastId: string;
  status: RecordingStatus;
  durationSeconds: number | null;
  bytes: number | null;
  createdAt: Date;
  updatedAt: Date;
}

export type RecordingRepository = ReturnType<typeof createRecordingRepository>;

/** Recordings of streams that were not deleted. */
export function createRecordingRepository(db: Knex) {
  const present = () => db<RecordingRow>('recordings').whereIn('stream_id', db('streams').select('id').whereNull('deleted_at'));
  return {
    async find(id: string): Promise<RecordingRecord | null> {
      const row = await present().where({ id }).first();
      return row ? toRecording(row) : null;
    },

    /** What each media host has of it, in the order of the broadcast; one, unless it has changed its host. */
    partsOf: ({ broadcastId }: RecordingRecord): Promise<PartRecord[]> => partsOf(db, broadcastId),

    /** Newest first. */
    async listOf(streamId: string, page: PageRequest): Promise<Page<RecordingRecord>> {
      const query = present().where({ stream_id: streamId });
      const { items, more } = await readPage<RecordingRow>(query, 'created_at', page);
      return { items: items.map(toRecording), more };
    },
  };
}

const toRecording = (row: RecordingRow): RecordingRecord => ({
  id: row.id,
  streamId: row.stream_id,
  broadcastId: row.broadcast_id,
  status: row.status,
  durationSeconds: row.duration_seconds,
  bytes: row.bytes === null ? null : Number(row.bytes),
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});
