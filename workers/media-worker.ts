import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { createMediaActivities } from '../activities/media.js';
import { addressesOf, dataPaths } from '../config/addresses.js';
import { readEnvironment } from '../config/env.js';
import { mediaQueue } from '../domain/task-queues.js';
import { createLogger } from '../log/logger.js';
import { createIngestClient, createOriginClient } from '../media/control-client.js';
import { EncoderRegistry } from '../media/encoder-registry.js';
import { verifyEncoder } from '../media/ffmpeg/verify-encoder.js';
import { createRegistry } from '../ops/ops-server.js';
import { installRuntime, runEntry, runWorker } from './run-worker.js';

const env = readEnvironment();
const log = createLogger('media-worker', env.HOLDFAST_LOG_LEVEL);

/** A broadcast holds one slot for its encoder; short commands (stop, finish, disconnect) must never wait behind encoders. */
const COMMAND_SLOTS = 40;
/** A host is one process: more pollers only give a frozen one more tasks to sit on. */
const POLLERS = 2;

await runEntry(log, async () => {
  const addresses = addressesOf(env);
  const paths = dataPaths(env.HOLDFAST_DATA_DIR);
  const ffmpegPath = env.HOLDFAST_FFMPEG ?? 'ffmpeg';
  const encoder = { name: env.HOLDFAST_VIDEO_ENCODER, preset: env.HOLDFAST_VIDEO_PRESET };
  installRuntime(log);
  await verifyEncoder(ffmpegPath, encoder);
  const activities = createMediaActivities({
    origin: createOriginClient(addresses.originControl),
    ingest: createIngestClient(addresses.ingestControl),
    registry: new EncoderRegistry(paths.encoders),
    ffmpegPath,
    encoder,
    logPath: (broadcastId, epoch) => join(paths.logs, 'encoders', `${broadcastId}-${epoch}.log`),
    log,
  });
  await runWorker({
    temporalAddress: addresses.temporal,
    opsPort: env.HOLDFAST_MEDIA_WORKER_PORT,
    opsPortVariable: 'HOLDFAST_MEDIA_WORKER_PORT',
    registry: createRegistry('media-worker'),
    readyChecks: {},
    log,
    create: (connection) =>
      Worker.create({
        connection,
        namespace: env.HOLDFAST_TEMPORAL_NAMESPACE,
        taskQueue: mediaQueue(env.HOLDFAST_HOST_ID),
        identity: `media-worker@${env.HOLDFAST_HOST_ID}`,
        activities,
        maxConcurrentActivityTaskExecutions: env.HOLDFAST_MAX_BROADCASTS + COMMAND_SLOTS,
        activityTaskPollerBehavior: { type: 'simple-maximum', maximum: POLLERS },
        maxHeartbeatThrottleInterval: '2 seconds',
      }),
  });
});
