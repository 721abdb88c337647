import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { DATABASE, preparePostgres, type PostgresOptions } from './postgres-cluster.js';

export interface RunningPostgres {
  /** The product's database. */
  url: string;
  /** The maintenance database. */
  adminUrl: string;
  pid: number;
  /** Fast shutdown (running transactions are rolled back); calling it again waits for the same. */
  stop(): Promise<void>;
}

export interface StartPostgresOptions extends PostgresOptions {
  /** Gets every line the server says. */
  log: (line: string) => void;
}

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 8000;
const POLL_MS = 50;
const CONNECT_TIMEOUT_MS = 2000;
const CONNECTION_LOST = 'ECONNREFUSED';
/** SQLSTATE 57P03: the server is starting up. */
const CANNOT_CONNECT_NOW = '57P03';
/** SQLSTATE 42P04, and 23505 when two create it at the same moment. */
const DUPLICATE_DATABASE = ['42P04', '23505'];

/** Runs one statement on a connection of its own. */
export async function queryOnce(url: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  // A server that goes away while the connection is idle says so here; the next call rejects by itself.
  client.on('error', () => {});
  try {
    await client.connect();
    return await client.query(sql);
  } finally {
    await client.end().catch(() => {});
  }
}

/** True when it answers; false while it is starting or not there. Anything else (a wrong password) is an error. */
export async function postgresAnswers(url: string): Promise<boolean> {
  try {
    await queryOnce(url, 'select 1');
    return true;
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === undefined || code === CONNECTION_LOST || code === 'ECONNRESET' || code === CANNOT_CONNECT_NOW) return false;
    throw error;
  }
}

/** Makes the product's database when it is missing. */
export async function ensureDatabase(adminUrl: string, name = DATABASE): Promise<void> {
  const present = await queryOnce(adminUrl, `select 1 from pg_database where datname = '${name}'`);
  if (present.rowCount) return;
  try {
    await queryOnce(adminUrl, `create database "${name}"`);
  } catch (error) {
    if (!DUPLICATE_DATABASE.includes((error as { code?: string }).code ?? '')) throw error;
  }
}

/**
 * Starts the embedded Postgres and returns when it answers. For tests and tools: the launcher supervises the same
 * cluster itself.
 */
export async function startPostgres({ log, ...options }: StartPostgresOptions): Promise<RunningPostgres> {
  const cluster = await preparePostgres(options);
  await cluster.beforeStart();
  const { file, args, uid, gid } = cluster.command;
  const child = spawn(file, args, { uid, gid, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  let last = '';
  createInterface({ input: child.stderr }).on('line', (line) => log((last = line)));
  let gone = false;
  const exited = new Promise<void>((resolve) => {
    child.once('error', (error) => log((last = error.message)));
    child.once('close', () => ((gone = true), resolve()));
  });
  const stop = async (): Promise<void> => {
    if (!gone) child.kill('SIGINT');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  };
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await postgresAnswers(cluster.adminUrl))) {
    if (gone) throw new Error(`Postgres did not start: ${last}`);
    if (performance.now() > deadline) {
      await stop();
      throw new Error(`Postgres did not answer within ${START_TIMEOUT_MS / 1000} s: ${last}`);
    }
    await delay(POLL_MS);
  }
  await ensureDatabase(cluster.adminUrl);
  return { url: cluster.url, adminUrl: cluster.adminUrl, pid: child.pid!, stop };
}
