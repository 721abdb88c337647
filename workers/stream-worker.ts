import { Worker } from '@temporalio/worker';
import { createCatalogActivities } from '../activities/catalog.js';
import { addressesOf } from '../platform/config/addresses.js';
import { readEnvironment } from '../platform/config/env.js';
import { connectDatabase } from '../platform/db/connection.js';
import { createCatalog } from '../platform/db/repositories/catalog.js';
import { createReadModel } from '../platform/db/repositories/read-model.js';
import { STREAMS_QUEUE } from '../domain/task-queues.js';
import { createLogger } from '../platform/log/logger.js';
import { createRegistry } from '../platform/ops/ops-server.js';
import { runEntry } from '../platform/ops/run-entry.js';
import { createTemporalClient } from '../platform/temporal/client.js';
import { ReadModelReconciler } from './reconciliation/reconciler.js';
import { installRuntime, runWorker, workflowBundle } from './run-worker.js';

const env = readEnvironment();
const log = createLogger('stream-worker', env.HOLDFAST_LOG_LEVEL);

/** Each cached workflow costs about a quarter of a megabyte; beyond this the least used is replayed when needed. */
const MAX_CACHED_WORKFLOWS = 500;

/** After a killed worker its tasks go to another one this soon: within the time a command may take. */
const STICKY_TIMEOUT = '1 second';

await runEntry(log, async () => {
  if (!env.HOLDFAST_DATABASE_URL) throw new Error('HOLDFAST_DATABASE_URL is not set: the stream worker needs Postgres.');
  const database = connectDatabase(env.HOLDFAST_DATABASE_URL);
  installRuntime(log);
  const catalog = createCatalog(database);
  const activities = createCatalogActivities({ catalog, retentionHours: env.HOLDFAST_RETENTION_HOURS });
  const { temporal: address } = addressesOf(env);
  const client = createTemporalClient({ address, namespace: env.HOLDFAST_TEMPORAL_NAMESPACE });
  const reconciler = new ReadModelReconciler({ client, readModel: createReadModel(database), catalog, log });
  const stop = new AbortController();
  const reconciled = reconciler.run(stop.signal);
  await runWorker({
    temporalAddress: address,
    opsPort: env.HOLDFAST_STREAM_WORKER_PORT,
    opsPortVariable: 'HOLDFAST_STREAM_WORKER_PORT',
    registry: createRegistry('stream-worker'),
    readyChecks: { database: async () => void (await database.raw('select 1')) },
    log,
    create: (connection) =>
      Worker.create({
        connection,
        namespace: env.HOLDFAST_TEMPORAL_NAMESPACE,
        taskQueue: STREAMS_QUEUE,
        identity: `stream-worker@${process.pid}`,
        workflowBundle: workflowBundle(),
        activities,
        maxCachedWorkflows: MAX_CACHED_WORKFLOWS,
        stickyQueueScheduleToStartTimeout: STICKY_TIMEOUT,
      }),
  });
  stop.abort();
  await reconciled;
  await Promise.all([database.destroy(), client.connection.close()]);
});
