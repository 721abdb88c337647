import { mkdir } from 'node:fs/promises';
import { createControlAccess } from '../platform/auth/control-access.js';
import { readMasterKey } from '../platform/auth/master-key.js';
import { createSecretBox } from '../platform/auth/secret-box.js';
import { addressesOf, dataPaths, LOOPBACK } from '../platform/config/addresses.js';
import { type Environment, readEnvironment } from '../platform/config/env.js';
import { connectDatabase, pingDatabase } from '../platform/db/connection.js';
import { createHostRepository } from '../platform/db/repositories/hosts.js';
import { createPublishClaims } from '../platform/db/repositories/publish-claims.js';
import { createLogger, type Logger } from '../platform/log/logger.js';
import { DiskSpace } from '../platform/ops/disk-space.js';
import { drained, takeStopSignals } from '../platform/ops/drain.js';
import { explainListenError } from '../platform/ops/listen-error.js';
import { createRegistry } from '../platform/ops/ops-server.js';
import { runEntry } from '../platform/ops/run-entry.js';
import { createTemporalClient } from '../platform/temporal/client.js';
import { announceHost } from './publish/host-announcement.js';
import { startIngestServer } from './ingest-server.js';
import { DEFAULT_LIMITS, type IngestLimits } from './limits.js';
import type { SourceLimits } from './source/source-limits.js';
import { createStreamSignals } from './publish/stream-signals.js';

const BYTES_PER_MIB = 1024 * 1024;
const BITS_PER_MEGABIT = 1_000_000;
const MS_PER_SECOND = 1000;

async function run(env: Environment, log: Logger): Promise<void> {
  const { HOLDFAST_DATABASE_URL: databaseUrl, HOLDFAST_TEMPORAL_NAMESPACE: namespace } = env;
  if (!databaseUrl) throw new Error('HOLDFAST_DATABASE_URL is not set: the ingest checks stream keys in Postgres.');
  const stop = takeStopSignals();
  const paths = dataPaths(env.HOLDFAST_DATA_DIR);
  const masterKey = await readMasterKey({ hex: env.HOLDFAST_MASTER_KEY, path: paths.masterKey });
  const database = connectDatabase(databaseUrl);
  const client = createTemporalClient({ address: addressesOf(env).temporal, namespace });
  const registry = createRegistry('ingest');
  const claims = createPublishClaims(database, createSecretBox(masterKey));
  const minFreeBytes = env.HOLDFAST_MIN_FREE_MIB * BYTES_PER_MIB;
  await mkdir(env.HOLDFAST_DATA_DIR, { recursive: true });
  const disk = await DiskSpace.watch({ folder: env.HOLDFAST_DATA_DIR, minFreeBytes, registry, log });
  const ingest = await startIngestServer({
    hostId: env.HOLDFAST_HOST_ID,
    rtmp: { host: env.HOLDFAST_BIND, port: env.HOLDFAST_RTMP_PORT },
    control: { host: LOOPBACK, port: env.HOLDFAST_INGEST_CONTROL_PORT },
    access: createControlAccess(masterKey),
    claims,
    signals: createStreamSignals(client),
    slatesDir: paths.slates,
    readyChecks: {
      database: () => pingDatabase(database),
      temporal: async () => void (await client.connection.workflowService.getSystemInfo({})),
    },
    limits: { ...DEFAULT_LIMITS, ...limitsOf(env) },
    isDiskFull: () => disk.isFull,
    registry,
    log,
  }).catch((error: unknown) => {
    const settings = { [env.HOLDFAST_RTMP_PORT]: 'HOLDFAST_RTMP_PORT', [env.HOLDFAST_INGEST_CONTROL_PORT]: 'HOLDFAST_INGEST_CONTROL_PORT' };
    throw explainListenError(error, settings, 'HOLDFAST_BIND');
  });
  log.info({ rtmpPort: ingest.rtmpPort, controlPort: ingest.controlPort }, 'ingest listens');
  const stopAnnouncing = announceHost(() => createHostRepository(database).announce(env.HOLDFAST_HOST_ID, addressesOf(env).playback), log);
  if ((await stop.first) === 'drain') {
    ingest.drain();
    const running = (): Promise<number> => claims.openStreams(env.HOLDFAST_HOST_ID);
    const outcome = await drained({ running, limitMs: env.HOLDFAST_DRAIN_SECONDS * MS_PER_SECOND, now: stop.now, log });
    log.info({ outcome }, 'draining is over');
  }
  log.info('ingest stops');
  stopAnnouncing();
  disk.close();
  await ingest.close();
  await Promise.all([database.destroy(), client.connection.close()]);
}

function limitsOf(env: Environment): Pick<IngestLimits, 'maxStreams' | keyof SourceLimits> {
  const [width, height] = env.HOLDFAST_MAX_SOURCE_SIZE;
  return {
    maxStreams: env.HOLDFAST_MAX_BROADCASTS,
    maxLongSide: Math.max(width, height),
    maxShortSide: Math.min(width, height),
    maxFrameRate: env.HOLDFAST_MAX_SOURCE_FPS,
    maxBitrate: env.HOLDFAST_MAX_SOURCE_MBPS * BITS_PER_MEGABIT,
  };
}

const env = readEnvironment();
const log = createLogger('ingest', env.HOLDFAST_LOG_LEVEL);
await runEntry(log, () => run(env, log));
