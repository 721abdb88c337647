import { randomBytes } from 'node:crypto';
import { access, chown, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identify } from '../../../media/process/process-identity.js';
import { isDiskFull, LauncherError } from '../launcher-error.js';
import { postgresBinaries } from '../toolchain/postgres-binaries.js';
import { wayToRun, type Account, type Command } from '../supervision/run-as.js';
import { lastLine, runCommand } from '../supervision/run-command.js';
import { endProcess } from '../supervision/end-process.js';

export interface PostgresOptions {
  /** Holds the cluster and its password; made when missing. */
  dataDir: string;
  port: number;
  /** False for tests: nothing is forced to the disk, a power cut may destroy it. */
  durable?: boolean;
}

export interface PostgresCluster {
  /** Runs the server in the foreground. */
  command: Command;
  /** Path of the server's program. */
  program: string;
  /** The maintenance database, for administration. */
  adminUrl: string;
  /** The product's database; `ensureDatabase` makes it. */
  url: string;
  /** Before every start: what a killed server left behind is put right. */
  beforeStart(): Promise<void>;
}

const USER = 'holdfast';
export const DATABASE = 'holdfast';
const HOST = '127.0.0.1';
const OWNER_ONLY = 0o600;
const PASSWORD_BYTES = 24;
const INITDB_TIMEOUT_MS = 120_000;

/** Small numbers: it shares the machine with encoders, and what it holds is small. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: HOST,
  // Paths of unix sockets are short by nature (107 bytes), data folders are not.
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '64MB',
  // No replicas, no extra processes for reading from the disk.
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  io_method: 'sync',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '',
  log_checkpoints: 'off',
  // Rows may hold hashes of secrets: messages are logged without the data and the statements they are about.
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
};
const NOT_DURABLE: Readonly<Record<string, string>> = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
};

/** Makes the cluster when there is none yet and says how to run it. Does not start it. */
export async function preparePostgres(options: PostgresOptions): Promise<PostgresCluster> {
  const { dataDir, port, durable = true } = options;
  await mkdir(dataDir, { recursive: true });
  const binaries = await postgresBinaries();
  const way = await wayToRun(binaries.postgres, dataDir);
  const cluster = join(dataDir, 'cluster');
  const passwordFile = join(dataDir, 'password');
  if (!(await exists(join(cluster, 'PG_VERSION')))) {
    const initdb = (args: string[]) => way.command(binaries.initdb, args);
    await createCluster({ cluster, dataDir, passwordFile, durable, owner: way.owner, initdb });
  }
  const password = await readFile(passwordFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const problem = `The password of the database in ${dataDir} cannot be read (${error.code}).`;
    throw new LauncherError(`${problem} Put the file back, or set HOLDFAST_DATABASE_URL.`, { cause: error });
  });
  const settings = { ...SETTINGS, ...(durable ? {} : NOT_DURABLE) };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const urlOf = (database: string) => `postgres://${USER}:${password}@${HOST}:${port}/${database}`;
  return {
    command: way.command(binaries.postgres, ['-D', cluster, '-p', String(port), ...flags]),
    program: binaries.postgres,
    adminUrl: urlOf('postgres'),
    url: urlOf(DATABASE),
    beforeStart: async () => {
      await clearStalePidFile(cluster);
      if (way.owner) await giveTo(way.owner, cluster);
    },
  };
}

interface NewCluster {
  cluster: string;
  dataDir: string;
  passwordFile: string;
  durable: boolean;
  owner: Account | null;
  initdb: (args: string[]) => Command;
}

/** initdb into a folder beside and renamed, so that one killed half-way leaves no half cluster. */
async function createCluster({ cluster, dataDir, passwordFile, durable, owner, initdb }: NewCluster): Promise<void> {
  const draft = await mkdtemp(join(dataDir, 'new-'));
  const draftPassword = `${draft}.password`;
  try {
    const password = randomBytes(PASSWORD_BYTES).toString('hex');
    await writeFile(draftPassword, password, { mode: OWNER_ONLY });
    if (owner) await Promise.all([draft, draftPassword].map((path) => chown(path, owner.uid, owner.gid)));
    const { file, args, uid, gid } = initdb([
      '-D',
      draft,
      `--username=${USER}`,
      `--pwfile=${draftPassword}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale-provider=builtin',
      '--locale=C.UTF-8',
      '--no-instructions',
      ...(durable ? [] : ['--no-sync']),
    ]);
    const env = { ...process.env, LC_ALL: 'C' };
    const result = await runCommand(file, args, { uid, gid, cwd: '/', timeoutMs: INITDB_TIMEOUT_MS, env });
    if (result.code !== 0) throw initdbError(dataDir, result.stderr || (result.startError ?? ''));
    await writeFile(passwordFile, password, { mode: OWNER_ONLY, flush: durable });
    await rename(draft, cluster);
  } finally {
    await Promise.all([draft, draftPassword].map((path) => rm(path, { recursive: true, force: true })));
  }
}

function initdbError(dataDir: string, stderr: string): LauncherError {
  if (isDiskFull(new Error(stderr))) {
    return new LauncherError(
      `The disk is full: a new database in ${dataDir} needs 60 MB. ` +
        'Free some space, or set HOLDFAST_DATA_DIR to a folder on another disk.',
    );
  }
  return new LauncherError(`Postgres cannot make its database in ${dataDir}: ${lastLine(stderr)}`);
}

/**
 * Postgres refuses to start while the pid in postmaster.pid runs, whatever program it is now. A server of this very
 * cluster that outlived its launcher is ended, since nobody supervises it; a stranger's pid is none of ours.
 */
async function clearStalePidFile(cluster: string): Promise<void> {
  const path = join(cluster, 'postmaster.pid');
  const pid = Number((await readFile(path, 'utf8').catch(() => '')).split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 0) return;
  const identity = identify(pid);
  if (!identity) return;
  const commandLine = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  if (commandLine.includes(cluster)) {
    await endProcess(identity, 'SIGINT');
  } else if (process.platform === 'linux') {
    await rm(path, { force: true });
  }
}

/** The whole cluster, if its owner is another one (it was run in another way before). */
async function giveTo(owner: Account, cluster: string): Promise<void> {
  if ((await stat(cluster)).uid === owner.uid) return;
  const entries = await readdir(cluster, { recursive: true });
  for (const entry of [...entries, '.']) await chown(join(cluster, entry), owner.uid, owner.gid);
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
