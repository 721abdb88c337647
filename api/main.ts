import { createSecretBox } from '../platform/auth/secret-box.js';
import { readMasterKey } from '../platform/auth/master-key.js';
import { addressesOf, dataPaths } from '../platform/config/addresses.js';
import { readEnvironment } from '../platform/config/env.js';
import { connectDatabase, pingDatabase } from '../platform/db/connection.js';
import { createApiKeyRepository } from '../platform/db/repositories/api-keys.js';
import { createBroadcastRepository } from '../platform/db/repositories/broadcasts.js';
import { createDestinationRepository } from '../platform/db/repositories/destinations.js';
import { createEventRepository } from '../platform/db/repositories/events.js';
import { createHostRepository } from '../platform/db/repositories/hosts.js';
import { createIdempotencyRepository } from '../platform/db/repositories/idempotency.js';
import { createRecordingRepository } from '../platform/db/repositories/recordings.js';
import { createStreamRepository } from '../platform/db/repositories/streams.js';
import { createLogger } from '../platform/log/logger.js';
import { explainListenError } from '../platform/ops/listen-error.js';
import { createRegistry } from '../platform/ops/ops-server.js';
import { runEntry } from '../platform/ops/run-entry.js';
import { createTemporalClient } from '../platform/temporal/client.js';
import { createApp } from './app.js';
import { listen } from './listen.js';
import { createStreamCommands } from './workflow-commands.js';

/** Longer than the longest request; shorter than the patience of whatever stops this process. */
const SHUTDOWN_LIMIT_MS = 8000;
const TEMPORAL_CHECK_DEADLINE_MS = 1500;

async function main(): Promise<void> {
  const env = readEnvironment();
  const log = createLogger('api', env.HOLDFAST_LOG_LEVEL);
  if (!env.HOLDFAST_DATABASE_URL) throw new Error('HOLDFAST_DATABASE_URL is not set: the API needs Postgres.');
  const { masterKey: path } = dataPaths(env.HOLDFAST_DATA_DIR);
  const masterKey = await readMasterKey({ hex: env.HOLDFAST_MASTER_KEY, path });
  const secrets = createSecretBox(masterKey);
  const db = connectDatabase(env.HOLDFAST_DATABASE_URL);
  const addresses = addressesOf(env);
  const temporal = createTemporalClient({
    address: addresses.temporal,
    namespace: env.HOLDFAST_TEMPORAL_NAMESPACE,
    failFast: true,
  });
  const pingTemporal = () => temporal.workflowService.getSystemInfo({});

  const app = createApp({
    apiKeys: createApiKeyRepository(db, secrets),
    streams: createStreamRepository(db, secrets),
    broadcasts: createBroadcastRepository(db),
    recordings: createRecordingRepository(db),
    destinations: createDestinationRepository(db, secrets),
    events: createEventRepository(db),
    hosts: createHostRepository(db),
    idempotency: createIdempotencyRepository(db, secrets),
    commands: createStreamCommands(temporal),
    addresses: { ...addresses, hostId: env.HOLDFAST_HOST_ID, playbackIsShared: env.HOLDFAST_PUBLIC_PLAYBACK_URL !== undefined },
    readyChecks: {
      database: () => pingDatabase(db),
      temporal: async () => {
        await temporal.connection.withDeadline(Date.now() + TEMPORAL_CHECK_DEADLINE_MS, pingTemporal);
      },
    },
    registry: createRegistry('api'),
    log,
    allowPrivateAddresses: env.HOLDFAST_ALLOW_PRIVATE_ADDRESSES,
    requestsPerMinute: env.HOLDFAST_RATE_LIMIT_PER_MINUTE,
    trustedProxies: env.HOLDFAST_TRUSTED_PROXIES,
  });

  const { HOLDFAST_BIND: host, HOLDFAST_API_PORT: port } = env;
  const listening = await listen(app, host, port).catch((error: unknown) => {
    throw explainListenError(error, { [port]: 'HOLDFAST_API_PORT' }, 'HOLDFAST_BIND');
  });
  log.info({ address: addresses.api }, 'listening');
  const signal = await new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT']) process.once(name, resolve);
  });
  log.info({ signal }, 'stopping');
  await listening.close(SHUTDOWN_LIMIT_MS);
  await Promise.all([db.destroy(), temporal.connection.close()]);
}

await runEntry(createLogger('api'), main);
