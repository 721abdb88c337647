import { readMasterKey } from '../auth/master-key.js';
import { createSecretBox } from '../auth/secret-box.js';
import { addressesOf, dataPaths, LOOPBACK } from '../config/addresses.js';
import { type Environment, readEnvironment } from '../config/env.js';
import { connectDatabase, pingDatabase } from '../db/connection.js';
import { createPublishClaims } from '../db/repositories/publish-claims.js';
import { createLogger, type Logger } from '../log/logger.js';
import { createRegistry } from '../ops/ops-server.js';
import { createTemporalClient } from '../temporal/client.js';
import { startIngestServer } from './ingest-server.js';
import { DEFAULT_LIMITS } from './limits.js';
import { createStreamSignals } from './stream-signals.js';

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

async function run(env: Environment, log: Logger): Promise<void> {
  const { HOLDFAST_DATABASE_URL: databaseUrl, HOLDFAST_TEMPORAL_NAMESPACE: namespace } = env;
  if (!databaseUrl) throw new Error('HOLDFAST_DATABASE_URL is not set: the ingest checks stream keys in Postgres.');
  const paths = dataPaths(env.HOLDFAST_DATA_DIR);
  const masterKey = await readMasterKey({ hex: env.HOLDFAST_MASTER_KEY, path: paths.masterKey });
  const database = connectDatabase(databaseUrl);
  const client = createTemporalClient({ address: addressesOf(env).temporal, namespace });
  const ingest = await startIngestServer({
    hostId: env.HOLDFAST_HOST_ID,
    rtmp: { host: env.HOLDFAST_BIND, port: env.HOLDFAST_RTMP_PORT },
    control: { host: LOOPBACK, port: env.HOLDFAST_INGEST_CONTROL_PORT },
    claims: createPublishClaims(database, createSecretBox(masterKey)),
    signals: createStreamSignals(client),
    slatesDir: paths.slates,
    readyChecks: {
      database: () => pingDatabase(database),
      temporal: async () => void (await client.connection.workflowService.getSystemInfo({})),
    },
    limits: DEFAULT_LIMITS,
    registry: createRegistry('ingest'),
    log,
  }).catch((error: unknown) => {
    throw explained(error, env);
  });
  log.info({ rtmpPort: ingest.rtmpPort, controlPort: ingest.controlPort }, 'ingest listens');
  await stopSignal();
  log.info('ingest stops');
  await ingest.close();
  await Promise.all([database.destroy(), client.connection.close()]);
}

/** A taken port, with the name of the variable that moves it. */
function explained(error: unknown, env: Environment): unknown {
  const { code, port } = error as NodeJS.ErrnoException & { port?: number };
  const variable = port === env.HOLDFAST_RTMP_PORT ? 'HOLDFAST_RTMP_PORT' : 'HOLDFAST_INGEST_CONTROL_PORT';
  const cause = { cause: error };
  if (code === 'EADDRINUSE') return new Error(`Port ${port} is taken; set ${variable} to a free one.`, cause);
  if (code !== 'EACCES') return error;
  return new Error(`Port ${port} needs rights this user has not; set ${variable} to one above 1023.`, cause);
}

/** Resolves at the first stop signal; a second one ends the process at once, as usual. */
async function stopSignal(): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of STOP_SIGNALS) process.once(signal, () => resolve());
  });
}

const env = readEnvironment();
const log = createLogger('ingest', env.HOLDFAST_LOG_LEVEL);
try {
  await run(env, log);
  process.exit(0);
} catch (error) {
  log.fatal({ err: error }, error instanceof Error ? error.message : String(error));
  process.exit(1);
}
