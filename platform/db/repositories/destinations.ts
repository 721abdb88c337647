import type { Knex } from 'knex';
import type { SecretBox } from '../../auth/secret-box.js';
import {
  toDestination,
  type DestinationRecord,
  type DestinationRow,
  type DestinationSettings,
  type NewDestination,
} from './destination-row.js';

export type { DestinationRecord, DestinationSettings, NewDestination } from './destination-row.js';
import { readPage, type Page, type PageRequest } from './page.js';

/** Gets the stored settings, returns the ones to store; what it throws leaves the row as it is. */
export type ChangeDestination = (stored: DestinationRecord) => DestinationSettings;

export type DestinationRepository = ReturnType<typeof createDestinationRepository>;

/** Destinations of a stream; URL and key are encrypted at rest. */
export function createDestinationRepository(db: Knex, secrets: SecretBox) {
  const rows = () => db<DestinationRow>('destinations');
  return {
    /** A destination whose id is there already changes nothing. */
    async create(destinations: readonly NewDestination[]): Promise<void> {
      if (destinations.length === 0) return;
      const now = new Date();
      const created = destinations.map((destination) => ({
        id: destination.id,
        stream_id: destination.streamId,
        ...toSettingsRow(destination, secrets),
        created_at: now,
        updated_at: now,
      }));
      await rows().insert(created).onConflict('id').ignore();
    },

    async find(streamId: string, id: string): Promise<DestinationRecord | null> {
      const row = await rows().where({ id, stream_id: streamId }).first();
      return row ? toDestination(row, secrets) : null;
    },

    /** Oldest first: the order they were added in. */
    async listOf(streamId: string, page: PageRequest): Promise<Page<DestinationRecord>> {
      const query = rows().where({ stream_id: streamId });
      const { items, more } = await readPage<DestinationRow>(query, 'created_at', page, 'oldest first');
      return { items: items.map((row) => toDestination(row, secrets)), more };
    },

    /** Null when there is no such destination. Changes of one destination are made one after the other. */
    async update(streamId: string, id: string, change: ChangeDestination): Promise<DestinationRecord | null> {
      return db.transaction(async (trx) => {
        const row = await trx<DestinationRow>('destinations').where({ id, stream_id: streamId }).forUpdate().first();
        if (!row) return null;
        const stored = toDestination(row, secrets);
        const wanted = change(stored);
        const revision = isSameTarget(stored, wanted) ? row.revision : row.revision + 1;
        const [changed] = await trx<DestinationRow>('destinations')
          .where({ id })
          .update({ ...toSettingsRow(wanted, secrets), revision, updated_at: new Date() })
          .returning('*');
        return changed ? toDestination(changed, secrets) : null;
      });
    },

    async remove(streamId: string, id: string): Promise<boolean> {
      return (await rows().where({ id, stream_id: streamId }).delete()) > 0;
    },
  };
}

const toSettingsRow = (settings: DestinationSettings, secrets: SecretBox) => ({
  name: settings.name,
  platform: settings.platform,
  url_encrypted: secrets.encrypt(settings.url),
  stream_key_encrypted: settings.streamKey === null ? null : secrets.encrypt(settings.streamKey),
  enabled: settings.enabled,
  rendition: String(settings.rendition),
  slate: settings.slate,
});

/** True when a running restream may go on as it is. */
const isSameTarget = (a: DestinationSettings, b: DestinationSettings): boolean =>
  a.url === b.url && a.streamKey === b.streamKey && a.rendition === b.rendition && a.slate === b.slate;
