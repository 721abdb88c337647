import knex, { type Knex } from 'knex';

/** A few connections per process: many small processes share one Postgres with its default limit of 100. */
const POOL_MAX = 8;
/** A dead or frozen Postgres must become an error in about two seconds, whatever part of it hangs. */
const CONNECT_TIMEOUT_MS = 1500;
const ACQUIRE_TIMEOUT_MS = 2000;
const QUERY_TIMEOUT_MS = 2000;
/** Under the query's own: the server gives up first and says why. */
const LOCK_TIMEOUT_MS = 1500;
const IDLE_TIMEOUT_MS = 30_000;

/** Knex prints what it also throws; every error of ours is logged once, by whoever asked. */
const QUIET = { warn: () => undefined, error: () => undefined };

/** A pool that connects on first use: a process starts, and answers 503, while Postgres is away. */
export function connectDatabase(url: string): Knex {
  const connection = {
    connectionString: url,
    application_name: 'holdfast',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: QUERY_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
    keepAlive: true,
  };
  return knex({
    client: 'pg',
    connection,
    log: QUIET,
    acquireConnectionTimeout: ACQUIRE_TIMEOUT_MS,
    pool: { min: 0, max: POOL_MAX, acquireTimeoutMillis: ACQUIRE_TIMEOUT_MS, idleTimeoutMillis: IDLE_TIMEOUT_MS },
  });
}

/** Resolves when Postgres answers. */
export async function pingDatabase(db: Knex): Promise<void> {
  await db.raw('select 1');
}
