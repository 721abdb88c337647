import knex from 'knex';
import { migrationSource } from './migrations/index.js';

/** Any number, the same in every version of Holdfast: who holds this advisory lock may change the schema. */
const SCHEMA_LOCK = 7_204_811;
/** One connection holds the lock, another one migrates. */
const POOL_MAX = 2;
const CONNECT_TIMEOUT_MS = 5000;

/**
 * Brings the schema up to date; nothing happens when it is. Safe when several processes run it at once: one migrates,
 * the others wait for it. No statement has a time limit here, as a migration of much data may take long.
 */
export async function migrate(databaseUrl: string): Promise<void> {
  const db = knex({
    client: 'pg',
    connection: { connectionString: databaseUrl, connectionTimeoutMillis: CONNECT_TIMEOUT_MS },
    pool: { min: 0, max: POOL_MAX },
    migrations: { migrationSource, tableName: 'schema_migrations' },
  });
  try {
    await db.transaction(async (trx) => {
      await trx.raw('select pg_advisory_xact_lock(?)', [SCHEMA_LOCK]);
      // Knex's own lock outlives a process killed while migrating; ours does not, and whoever holds ours is alone.
      await db.migrate.forceFreeMigrationsLock();
      await db.migrate.latest();
    });
  } finally {
    await db.destroy();
  }
}
