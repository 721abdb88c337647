import { randomBytes } from 'node:crypto';
import type { Knex } from 'knex';
import { createSecretBox, type SecretBox } from '../../../platform/auth/secret-box.js';
import { connectDatabase } from '../../../platform/db/connection.js';
import { migrate } from '../../../platform/db/migrate.js';
import { createStreamRepository, type NewStream } from '../../../platform/db/repositories/streams.js';
import { createTestDatabase } from '../../support/postgres.js';

export interface DatabaseBench {
  url: string;
  db: Knex;
  secrets: SecretBox;
  /** Adds a stream with its id as key and playback id. */
  addStream(id: string, changes?: Partial<NewStream>): Promise<void>;
  close(): Promise<void>;
}

/** A migrated database of its own. */
export async function createDatabaseBench(): Promise<DatabaseBench> {
  const database = await createTestDatabase();
  await migrate(database.url);
  const db = connectDatabase(database.url);
  const secrets = createSecretBox(randomBytes(32));
  return {
    url: database.url,
    db,
    secrets,
    async addStream(id, changes = {}) {
      await createStreamRepository(db, secrets).create({
        id,
        name: null,
        metadata: {},
        streamKey: `sk_${id}`,
        playbackId: `play_${id}`,
        reusable: true,
        latency: 'low',
        ladder: [{ height: 360, bitrate: 800_000 }],
        record: false,
        reconnectWindowSeconds: 60,
        maxDurationSeconds: 3600,
        playbackPolicy: 'public',
        ...changes,
      });
    },
    async close() {
      await db.destroy();
      await database.drop();
    },
  };
}
