import type { Knex } from 'knex';
import type { SecretBox } from '../../auth/secret-box.js';
import type { CustomRung } from '../../../domain/ladder.js';
import type { StreamSettings, StreamStatus } from '../../../domain/stream.js';
import { createDestinationRepository, type NewDestination } from './destinations.js';
import { readPage, type Page, type PageRequest } from './page.js';
import { revokeClaims } from './publish-lease.js';
import { toStream, type StreamRecord, type StreamRow } from './stream-row.js';

export type { StreamRecord } from './stream-row.js';

export interface NewStream extends StreamSettings {
  id: string;
  name: string | null;
  metadata: Record<string, string>;
  streamKey: string;
}

/** What an owner may change; it counts from the next broadcast. */
export type StreamChanges = Partial<Pick<StreamRecord, 'name' | 'metadata'> & Omit<StreamSettings, 'playbackId' | 'reusable'>>;

export interface StreamFilter {
  status?: StreamStatus;
  /** Only this stream; for credentials narrowed to one. */
  streamId?: string;
}

export type StreamRepository = ReturnType<typeof createStreamRepository>;

/** Streams that were not deleted. */
export function createStreamRepository(db: Knex, secrets: SecretBox) {
  const present = () => db<StreamRow>('streams').whereNull('deleted_at');
  return {
    /**
     * Inserts the stream and its destinations; a second call with the same id changes nothing and returns what is
     * there, key included.
     */
    async create(
      stream: NewStream,
      destinations: readonly NewDestination[] = [],
    ): Promise<{ stream: StreamRecord; streamKey: string; created: boolean }> {
      const inserted = await db.transaction(async (trx) => {
        const ids = await trx('streams').insert(toNewRow(stream, secrets)).onConflict('id').ignore().returning('id');
        if (ids.length > 0) await createDestinationRepository(trx, secrets).create(destinations);
        return ids;
      });
      const row = await db<StreamRow>('streams').where({ id: stream.id }).first();
      if (!row) throw new Error(`stream ${stream.id} vanished while it was created`);
      const streamKey = secrets.decrypt(row.stream_key_encrypted);
      return { stream: toStream(row), streamKey, created: inserted.length > 0 };
    },

    async find(id: string): Promise<StreamRecord | null> {
      const row = await present().where({ id }).first();
      return row ? toStream(row) : null;
    },

    /** The key an encoder publishes with: a secret, read only to show it to who may publish. */
    async findStreamKey(id: string): Promise<string | null> {
      const row = await present().where({ id }).first('stream_key_encrypted');
      return row ? secrets.decrypt(row.stream_key_encrypted) : null;
    },

    async list({ status, streamId }: StreamFilter, page: PageRequest): Promise<Page<StreamRecord>> {
      const query = present();
      if (status !== undefined) void query.where({ status });
      if (streamId !== undefined) void query.where({ id: streamId });
      const { items, more } = await readPage<StreamRow>(query, 'created_at', page);
      return { items: items.map(toStream), more };
    },

    /** Null when there is no such stream. */
    async update(id: string, changes: StreamChanges): Promise<StreamRecord | null> {
      const columns = { ...toChangedRow(changes), updated_at: new Date() };
      const [row] = await present().where({ id }).update(columns).returning('*');
      return row ? toStream(row) : null;
    },

    /** From now on only the new key is accepted, and who publishes with another one, or is about to, is disconnected. */
    async replaceStreamKey(id: string, streamKey: string): Promise<StreamRecord | null> {
      const key = { stream_key_hash: secrets.lookupHash(streamKey), stream_key_encrypted: secrets.encrypt(streamKey) };
      return db.transaction(async (trx) => {
        const query = trx<StreamRow>('streams').where({ id, deleted_at: null });
        const [row] = await query.update({ ...key, updated_at: new Date() }).returning('*');
        if (row) await revokeClaims(trx, id, 'key_rotated');
        return row ? toStream(row) : null;
      });
    },

    /** Hides the stream, and refuses and disconnects its publishers; its workflow removes the row (`Catalog.purgeStream`). */
    async markDeleted(id: string): Promise<void> {
      await db.transaction(async (trx) => {
        const deleted = await trx<StreamRow>('streams').where({ id, deleted_at: null }).update({ deleted_at: new Date() });
        if (deleted > 0) await revokeClaims(trx, id, 'stream_deleted');
      });
    },

    /** Takes back a creation whose workflow could not be started; nothing happens once the workflow has written. */
    async takeBack(id: string): Promise<void> {
      await db<StreamRow>('streams').where({ id, version: 0, publish_seq: '0' }).delete();
    },
  };
}

/** The other columns have defaults. */
function toNewRow(stream: NewStream, secrets: SecretBox): Partial<StreamRow> {
  const now = new Date();
  return {
    id: stream.id,
    ...toChangedRow(stream),
    reusable: stream.reusable,
    playback_id: stream.playbackId,
    stream_key_hash: secrets.lookupHash(stream.streamKey),
    stream_key_encrypted: secrets.encrypt(stream.streamKey),
    broadcast_id: null,
    created_at: now,
    updated_at: now,
    deleted_at: null,
  };
}

/** Only the columns that were given; JSON columns as text, since pg would send an array as a Postgres array. */
function toChangedRow(changes: StreamChanges): Partial<StreamRow> {
  const json = (value: CustomRung[] | Record<string, string> | null) => (value === null ? null : JSON.stringify(value));
  const columns = {
    name: changes.name,
    latency: changes.latency,
    ladder: changes.ladder === undefined ? undefined : json(changes.ladder),
    record: changes.record,
    reconnect_window_seconds: changes.reconnectWindowSeconds,
    max_duration_seconds: changes.maxDurationSeconds,
    playback_policy: changes.playbackPolicy,
    passthrough: changes.passthrough,
    metadata: changes.metadata === undefined ? undefined : json(changes.metadata),
  };
  const given = Object.entries(columns).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Partial<StreamRow>;
}
