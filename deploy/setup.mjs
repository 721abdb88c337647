/**
 * Run once before the processes, again with every new version: brings the database's schema up to date and stores the
 * first API key. Both change nothing when they are done already.
 */
import { readMasterKey } from '../dist/platform/auth/master-key.js';
import { createSecretBox } from '../dist/platform/auth/secret-box.js';
import { readEnvironment } from '../dist/platform/config/env.js';
import { connectDatabase } from '../dist/platform/db/connection.js';
import { ensureDevelopmentKey } from '../dist/platform/db/development-key.js';
import { migrate } from '../dist/platform/db/migrate.js';

const env = readEnvironment();
const { INITIAL_API_KEY: apiKey, INITIAL_API_SECRET: apiSecret } = process.env;
if (!env.HOLDFAST_DATABASE_URL || !env.HOLDFAST_MASTER_KEY || !apiKey || !apiSecret) {
  console.error('Set HOLDFAST_DATABASE_URL, HOLDFAST_MASTER_KEY, INITIAL_API_KEY and INITIAL_API_SECRET.');
  process.exit(1);
}
await migrate(env.HOLDFAST_DATABASE_URL);
const database = connectDatabase(env.HOLDFAST_DATABASE_URL);
try {
  const secrets = createSecretBox(await readMasterKey({ hex: env.HOLDFAST_MASTER_KEY, path: '' }));
  await ensureDevelopmentKey(database, secrets, { apiKey, apiSecret });
} finally {
  await database.destroy();
}
console.log('The database is up to date.');
