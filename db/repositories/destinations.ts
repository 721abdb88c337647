import type { Knex } from 'knex';
import type { SecretBox } from '../../auth/secret-box.js';

interface DestinationRow {
  id: string;
  stream_id: string;
  name: string | null;
  url_encrypted: string;
  stream_key_encrypted: string | null;
  enabled: boolean;
  created_at: Date;
  updated_at: Date;
}

/** An RTMP(S) target of restreaming. `url` and `streamKey` are secrets: for the process that sends, never for a log. */
export interface Destination {
  id: string;
  streamId: string;
  name: string | null;
  url: string;
  streamKey: string | null;
  enabled: boolean;
  createdAt: Date;
  updatedAt: Date;
}

export type NewDestination = Omit<Destination, 'createdAt' | 'updatedAt'>;
export type DestinationChanges = Partial<Pick<Destination, 'name' | 'url' | 'streamKey' | 'enabled'>>;

export type DestinationRepository = ReturnType<typeof createDestinationRepository>;

/** Destinations of a stream; URL and key are encrypted at rest. */
export function createDestinationRepository(db: Knex, secrets: SecretBox) {
  const rows = () => db<DestinationRow>('destinations');
  const encryptKey = (streamKey: string | null) => (streamKey === null ? null : secrets.encrypt(streamKey));
  const toDestination = (row: DestinationRow): Destination => ({
    id: row.id,
    streamId: row.stream_id,
    name: row.name,
    url: secrets.decrypt(row.url_encrypted),
    streamKey: row.stream_key_encrypted === null ? null : secrets.decrypt(row.stream_key_encrypted),
    enabled: row.enabled,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  });
  return {
    /** A second call with the same id changes nothing and returns what is there. */
    async create(destination: NewDestination): Promise<Destination> {
      const now = new Date();
      await rows()
        .insert({
          id: destination.id,
          stream_id: destination.streamId,
          name: destination.name,
          url_encrypted: secrets.encrypt(destination.url),
          stream_key_encrypted: encryptKey(destination.streamKey),
          enabled: destination.enabled,
          created_at: now,
          updated_at: now,
        })
        .onConflict('id')
        .ignore();
      const row = await rows().where({ id: destination.id }).first();
      if (!row) throw new Error(`destination ${destination.id} vanished while it was created`);
      return toDestination(row);
    },

    async find(streamId: string, id: string): Promise<Destination | null> {
      const row = await rows().where({ id, stream_id: streamId }).first();
      return row ? toDestination(row) : null;
    },

    /** Oldest first: the order they were added in. */
    async listOf(streamId: string): Promise<Destination[]> {
      return (await rows().where({ stream_id: streamId }).orderBy(['created_at', 'id'])).map(toDestination);
    },

    /** Null when there is no such destination. */
    async update(streamId: string, id: string, changes: DestinationChanges): Promise<Destination | null> {
      const columns: Partial<DestinationRow> = { updated_at: new Date() };
      if (changes.name !== undefined) columns.name = changes.name;
      if (changes.url !== undefined) columns.url_encrypted = secrets.encrypt(changes.url);
      if (changes.streamKey !== undefined) columns.stream_key_encrypted = encryptKey(changes.streamKey);
      if (changes.enabled !== undefined) columns.enabled = changes.enabled;
      const [row] = await rows().where({ id, stream_id: streamId }).update(columns).returning('*');
      return row ? toDestination(row) : null;
    },

    async remove(streamId: string, id: string): Promise<boolean> {
      return (await rows().where({ id, stream_id: streamId }).delete()) > 0;
    },
  };
}
