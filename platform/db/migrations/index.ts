import type { Knex } from 'knex';
import * as createApiKeys from './0001_create_api_keys.js';
import * as createStreams from './0002_create_streams.js';
import * as createBroadcasts from './0003_create_broadcasts.js';
import * as createRecordings from './0004_create_recordings.js';
import * as createDestinations from './0005_create_destinations.js';
import * as createEvents from './0006_create_events.js';
import * as createPublishClaims from './0007_create_publish_claims.js';
import * as createIdempotencyKeys from './0008_create_idempotency_keys.js';
import * as addRestreaming from './0009_add_restreaming.js';
import * as indexOpenBroadcasts from './0010_index_open_broadcasts.js';
import * as createDrainedHosts from './0011_create_drained_hosts.js';
import * as createBroadcastParts from './0012_create_broadcast_parts.js';
import * as addPassthrough from './0013_add_passthrough.js';
import * as scopeIdempotencyKeys from './0014_scope_idempotency_keys.js';
import * as numberPublishesByTime from './0015_number_publishes_by_time.js';
import * as revokePublishes from './0016_revoke_publishes.js';
import * as numberEventsByStream from './0017_number_events_by_stream.js';

/**
 * In the order they run; never renamed or changed once released. Named here instead of found in a folder, so that
 * compiled JavaScript and TypeScript sources know them by the same names.
 */
const MIGRATIONS: Record<string, Knex.Migration> = {
  '0001_create_api_keys': createApiKeys,
  '0002_create_streams': createStreams,
  '0003_create_broadcasts': createBroadcasts,
  '0004_create_recordings': createRecordings,
  '0005_create_destinations': createDestinations,
  '0006_create_events': createEvents,
  '0007_create_publish_claims': createPublishClaims,
  '0008_create_idempotency_keys': createIdempotencyKeys,
  '0009_add_restreaming': addRestreaming,
  '0010_index_open_broadcasts': indexOpenBroadcasts,
  '0011_create_drained_hosts': createDrainedHosts,
  '0012_create_broadcast_parts': createBroadcastParts,
  '0013_add_passthrough': addPassthrough,
  '0014_scope_idempotency_keys': scopeIdempotencyKeys,
  '0015_number_publishes_by_time': numberPublishesByTime,
  '0016_revoke_publishes': revokePublishes,
  '0017_number_events_by_stream': numberEventsByStream,
};

export const migrationSource: Knex.MigrationSource<string> = {
  getMigrations: () => Promise.resolve(Object.keys(MIGRATIONS)),
  getMigrationName: (name) => name,
  getMigration: (name) => Promise.resolve(MIGRATIONS[name]!),
};
