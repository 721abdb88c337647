import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import type { Knex } from 'knex';
import { createMediaActivities } from '../activities/media.js';
import { createControlAccess } from '../platform/auth/control-access.js';
import { readMasterKey } from '../platform/auth/master-key.js';
import { createSecretBox } from '../platform/auth/secret-box.js';
import { addressesOf, dataPaths } from '../platform/config/addresses.js';
import { readEnvironment } from '../platform/config/env.js';
import { connectDatabase } from '../platform/db/connection.js';
import { createDestinationTargets } from '../platform/db/repositories/destination-targets.js';
import { openStreamsOf } from '../platform/db/repositories/host-load.js';
import { mediaQueue } from '../domain/task-queues.js';
import { createLogger } from '../platform/log/logger.js';
import { writeAuthorities } from '../media/restream/authorities.js';
import { createIngestClient, createOriginClient } from '../media/control-client.js';
import { EncoderHost } from '../media/encoder/encoder-host.js';
import { EncoderRegistry } from '../media/encoder/encoder-registry.js';
import { maxPixelsOf } from '../media/ffmpeg/decoder-limit.js';
import { verifyEncoder } from '../media/ffmpeg/verify-encoder.js';
import { HostCheck } from '../media/host/host-check.js';
import { RestreamHost } from '../media/restream/restream-host.js';
import { RestreamRegistry } from '../media/restream/restream-registry.js';
import { createTemporalClient } from '../platform/temporal/client.js';
import { drained, type StopSignals, takeStopSignals } from '../platform/ops/drain.js';
import { createRegistry } from '../platform/ops/ops-server.js';
import { runEntry } from '../platform/ops/run-entry.js';
import { activitySlots } from './activity-slots.js';
import { installRuntime, runWorker } from './run-worker.js';
import { createStreamMessages } from './stream-messages.js';

const env = readEnvironment();
// The ffmpeg children inherit the environment: they get no secrets, and need none.
delete process.env.HOLDFAST_DATABASE_URL;
delete process.env.HOLDFAST_MASTER_KEY;
const log = createLogger('media-worker', env.HOLDFAST_LOG_LEVEL);

/** A host is one process: more pollers only give a frozen one more tasks to sit on. */
const POLLERS = 2;
const MS_PER_SECOND = 1000;

await runEntry(log, async () => {
  if (!env.HOLDFAST_DATABASE_URL) throw new Error('HOLDFAST_DATABASE_URL is not set: the media worker reads destinations from Postgres.');
  const addresses = addressesOf(env);
  const paths = dataPaths(env.HOLDFAST_DATA_DIR);
  const ffmpegPath = env.HOLDFAST_FFMPEG ?? 'ffmpeg';
  const encoder = { name: env.HOLDFAST_VIDEO_ENCODER, preset: env.HOLDFAST_VIDEO_PRESET };
  const stop = takeStopSignals();
  installRuntime(log, { ownSignals: true });
  await verifyEncoder(ffmpegPath, encoder);
  const masterKey = await readMasterKey({ hex: env.HOLDFAST_MASTER_KEY, path: paths.masterKey });
  const database = connectDatabase(env.HOLDFAST_DATABASE_URL);
  const access = createControlAccess(masterKey);
  const origin = createOriginClient(addresses.originControl, access);
  const ingest = createIngestClient(addresses.ingestControl, access);
  const client = createTemporalClient({ address: addresses.temporal, namespace: env.HOLDFAST_TEMPORAL_NAMESPACE });
  const tell = createStreamMessages(client);
  const { HOLDFAST_HOST_ID: hostId, HOLDFAST_MAX_BROADCASTS: maxBroadcasts, HOLDFAST_MAX_RESTREAMS: maxRestreams } = env;
  const ffmpeg = { ffmpegPath, encoder, maxPixels: maxPixelsOf(env.HOLDFAST_MAX_SOURCE_SIZE), slatesDir: paths.slates };
  const encoders = new EncoderHost({
    ...ffmpeg,
    origin,
    ingest,
    registry: new EncoderRegistry(paths.encoders),
    logPath: (broadcastId, epoch) => join(paths.logs, 'encoders', `${broadcastId}-${epoch}.log`),
    tell,
    log,
  });
  const restreams = new RestreamHost({
    ...ffmpeg,
    targets: createDestinationTargets(database, createSecretBox(masterKey)),
    restreams: new RestreamRegistry(paths.restreams),
    programmeUrl: ingest.programmeUrl,
    endReader: ingest.endReader,
    restreamLogPath: ({ broadcastId, destinationId }) => join(paths.logs, 'restreams', `${broadcastId}-${destinationId}.log`),
    allowPrivateAddresses: env.HOLDFAST_ALLOW_PRIVATE_ADDRESSES,
    caFile: await writeAuthorities(join(paths.run, 'authorities.pem'), process.env.NODE_EXTRA_CA_CERTS),
    maxRestreams,
    tell,
    log,
  });
  await Promise.all([encoders.resume(), restreams.resume()]);
  const leaving = new AbortController();
  void new HostCheck({ hostId, encoders, restreams, origin, viewOf: tell.viewOf, log }).run(leaving.signal);
  const activities = createMediaActivities({ origin, ingest, encoders, restreams, log });
  await runWorker({
    temporalAddress: addresses.temporal,
    opsPort: env.HOLDFAST_MEDIA_WORKER_PORT,
    opsPortVariable: 'HOLDFAST_MEDIA_WORKER_PORT',
    registry: createRegistry('media-worker'),
    readyChecks: {},
    log,
    leave: mayLeave(database, stop),
    create: (connection) =>
      Worker.create({
        connection,
        namespace: env.HOLDFAST_TEMPORAL_NAMESPACE,
        taskQueue: mediaQueue(hostId),
        identity: `media-worker@${hostId}`,
        activities,
        maxConcurrentActivityTaskExecutions: activitySlots({ maxBroadcasts, maxRestreams }),
        activityTaskPollerBehavior: { type: 'simple-maximum', maximum: POLLERS },
        maxHeartbeatThrottleInterval: '2 seconds',
      }),
  });
  leaving.abort();
  encoders.close();
  restreams.close();
  await Promise.all([database.destroy(), client.connection.close()]);
});

/**
 * SIGTERM: goes on with the broadcasts of this host until the last one has ended, new encoders of theirs included; that no
 * new broadcast comes is the ingest's part. SIGINT, a second SIGTERM or the end of the time: leaves at once, and the
 * encoders run on for the next media worker.
 */
async function mayLeave(database: Knex, stop: StopSignals): Promise<void> {
  if ((await stop.first) === 'now') return;
  const running = async (): Promise<number> => (await openStreamsOf(database, env.HOLDFAST_HOST_ID)).length;
  const outcome = await drained({ running, limitMs: env.HOLDFAST_DRAIN_SECONDS * MS_PER_SECOND, now: stop.now, log });
  log.info({ outcome }, 'draining is over');
}
