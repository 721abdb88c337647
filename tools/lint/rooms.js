/**
 * The house's rules, in one place: who may import whom, and which packages a room must do without. eslint.config.js turns
 * them into errors. `main.ts` of a room and everything in `workers` compose: they may import more.
 */

/** A room may import itself, its own sub-rooms unless they are named here, and what stands beside it. */
export const MAY_IMPORT = {
  domain: [],
  'platform/log': [],
  'platform/config': ['domain'],
  'platform/auth': ['domain'],
  'platform/ops': ['domain', 'platform/log'],
  'platform/temporal': ['domain', 'platform/log'],
  'platform/db': ['domain', 'platform/auth', 'platform/log'],
  workflows: ['domain', 'activities', 'platform/temporal/search-attributes.ts'],
  media: ['domain', 'platform/log'],
  activities: ['domain', 'media', 'platform/log'],
  ingest: ['domain', 'platform/log', 'platform/ops', 'platform/temporal', 'workflows/messages.ts'],
  origin: ['domain', 'platform/auth', 'platform/log', 'platform/ops'],
  api: [
    'domain',
    'platform/auth',
    'platform/config',
    'platform/db',
    'platform/log',
    'platform/ops',
    'platform/temporal',
    'workflows/messages.ts',
  ],
  workers: ['activities', 'domain', 'media', 'platform', 'workflows'],
};

/** Rooms of which a room may import types alone: their code runs in another process. */
export const TYPES_ONLY = { workflows: ['activities', 'domain/contracts'] };

/** Entry files read the environment and connect the database, for their room. */
export const ENTRY_MAY_IMPORT = {
  ingest: ['platform/config', 'platform/db', 'platform/auth'],
  origin: ['platform/config', 'platform/db'],
  api: [],
};

/** Every room, also those that may import everything: tools and test. */
export const ROOMS = [...Object.keys(MAY_IMPORT), 'tools', 'test'];

/** Packages that would break a room: the workflow sandbox, purity, or another room's job. A room is checked against its pattern. */
export const FORBIDDEN_PACKAGES = {
  domain: '^(?!\\.)',
  'origin/hls': '^(?!\\.|node:zlib$)',
  workflows: '^(?!\\.|@temporalio/(workflow|common)$)',
  media: '^(knex|pg|express|@temporalio/)',
  activities: '^(knex|pg|express|@temporalio/(client|worker|workflow))',
  api: '^(fluent-ffmpeg|node-media-server)',
  origin: '^(express|knex|pg|@temporalio/)',
  ingest: '^(knex|pg|express|fluent-ffmpeg)',
};

/** Only these read the environment. */
export const ENTRY_FILES = [
  'platform/config/env.ts',
  'api/main.ts',
  'ingest/main.ts',
  'origin/main.ts',
  'origin/viewers/main.ts',
  'workers/stream-worker.ts',
  'workers/media-worker.ts',
];
