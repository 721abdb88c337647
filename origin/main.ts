import { access, constants, mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createControlAccess } from '../platform/auth/control-access.js';
import { readMasterKey } from '../platform/auth/master-key.js';
import { createSecretBox } from '../platform/auth/secret-box.js';
import { dataPaths, LOOPBACK } from '../platform/config/addresses.js';
import { readEnvironment, type Environment } from '../platform/config/env.js';
import { connectDatabase } from '../platform/db/connection.js';
import { createApiKeyRepository } from '../platform/db/repositories/api-keys.js';
import { createLogger, type Logger } from '../platform/log/logger.js';
import { DiskSpace } from '../platform/ops/disk-space.js';
import { createRegistry } from '../platform/ops/ops-server.js';
import { runEntry } from '../platform/ops/run-entry.js';
import { explainListenError } from '../platform/ops/listen-error.js';
import { ApiKeyCache } from './access/api-key-cache.js';
import { createTokenVerifier } from './access/verify-token.js';
import { startOriginServer, type OriginServerOptions } from './origin-server.js';
import { startViewerProcesses } from './viewers/viewer-processes.js';

const BYTES_PER_MIB = 1024 * 1024;
/** The ingest refuses new broadcasts first; when that does not help, segments are no longer written. */
const SHARE_FOR_JOURNALS = 0.5;
const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

async function run(env: Environment, log: Logger): Promise<void> {
  if (!env.HOLDFAST_DATABASE_URL) throw new Error('HOLDFAST_DATABASE_URL is not set: the origin checks playback tokens in Postgres.');
  const paths = dataPaths(env.HOLDFAST_DATA_DIR);
  const masterKey = await readMasterKey({ hex: env.HOLDFAST_MASTER_KEY, path: paths.masterKey });
  const database = connectDatabase(env.HOLDFAST_DATABASE_URL);
  const apiKeys = createApiKeyRepository(database, createSecretBox(masterKey));
  const registry = createRegistry('origin');
  const minFreeBytes = SHARE_FOR_JOURNALS * env.HOLDFAST_MIN_FREE_MIB * BYTES_PER_MIB;
  await mkdir(paths.media, { recursive: true });
  const disk = await DiskSpace.watch({ folder: paths.media, minFreeBytes, registry, log });
  const origin = await startOriginServer({
    playback: { host: env.HOLDFAST_BIND, port: env.HOLDFAST_PLAYBACK_PORT },
    startViewers: viewersOf(env, log),
    control: { host: LOOPBACK, port: env.HOLDFAST_ORIGIN_CONTROL_PORT },
    access: createControlAccess(masterKey),
    mediaDir: paths.media,
    runDir: paths.run,
    webDir: fileURLToPath(new URL('./web', import.meta.url)),
    partDuration: env.HOLDFAST_PART_DURATION,
    cacheBytes: env.HOLDFAST_SEGMENT_CACHE_MIB * BYTES_PER_MIB,
    retentionHours: env.HOLDFAST_RETENTION_HOURS,
    tls: env.HOLDFAST_TLS_CERT && env.HOLDFAST_TLS_KEY ? { cert: env.HOLDFAST_TLS_CERT, key: env.HOLDFAST_TLS_KEY } : null,
    limits: {
      connections: env.HOLDFAST_VIEWER_CONNECTIONS,
      held: env.HOLDFAST_VIEWER_HELD_REQUESTS,
      proxies: env.HOLDFAST_TRUSTED_PROXIES,
    },
    verifyPlaybackToken: createTokenVerifier(new ApiKeyCache((apiKey) => apiKeys.findSecret(apiKey)).find),
    // Postgres is asked for tokens of signed streams only: without it everything else is served all the same.
    readyChecks: { storage: () => access(paths.media, constants.W_OK) },
    isDiskFull: () => disk.isFull,
    registry,
    log,
  }).catch((error: unknown) => {
    throw explainListenError(
      error,
      {
        [env.HOLDFAST_PLAYBACK_PORT]: 'HOLDFAST_PLAYBACK_PORT',
        [env.HOLDFAST_ORIGIN_CONTROL_PORT]: 'HOLDFAST_ORIGIN_CONTROL_PORT',
      },
      'HOLDFAST_BIND',
    );
  });
  log.info({ playbackPort: origin.playbackPort, controlPort: origin.controlPort }, 'origin listens');
  await stopSignal();
  log.info('origin stops');
  await origin.close();
  await database.destroy();
}

/** They read the same settings. */
function viewersOf({ HOLDFAST_VIEWER_PROCESSES: count }: Environment, log: Logger): OriginServerOptions['startViewers'] {
  const script = fileURLToPath(new URL('viewers/main.js', import.meta.url));
  return count > 0 ? () => startViewerProcesses({ count, script, log }) : null;
}

/** Resolves at the first stop signal; a second one ends the process at once, as usual. */
async function stopSignal(): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of STOP_SIGNALS) process.once(signal, () => resolve());
  });
}

const env = readEnvironment();
const log = createLogger('origin', env.HOLDFAST_LOG_LEVEL);
await runEntry(log, () => run(env, log));
