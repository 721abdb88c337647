import type { Knex } from 'knex';
import type { SecretBox } from '../../auth/secret-box.js';
import type { DestinationTargets } from '../../../domain/contracts/destinations.js';
import { toDestination, type DestinationRow } from './destination-row.js';

/** What the media worker reads of destinations, secrets in clear, and reports of them. */
export function createDestinationTargets(db: Knex, secrets: SecretBox): DestinationTargets {
  const rowOf = (id: string) => db<DestinationRow>('destinations').where({ id });
  return {
    async resolve(destinationId) {
      const row = await rowOf(destinationId).first();
      if (!row) return null;
      const { streamId, url, streamKey, rendition, slate } = toDestination(row, secrets);
      return { destinationId, streamId, url, streamKey, rendition, slate };
    },

    async reportProgress(destinationId, bytesSent) {
      await rowOf(destinationId).update({ bytes_sent: String(bytesSent) });
    },
  };
}
