import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import type { Knex } from 'knex';
import { createMediaActivities } from '../activities/media.js';
import { readMasterKey } from '../platform/auth/master-key.js';
import { createSecretBox } from '../platform/auth/secret-box.js';
import { addressesOf, dataPaths } from '../platform/config/addresses.js';
import { readEnvironment } from '../platform/config/env.js';
import { connectDatabase } from '../platform/db/connection.js';
import { createDestinationTargets } from '../platform/db/repositories/destination-targets.js';
import { openBroadcastsAmong, openStreamsOf } from '../platform/db/repositories/host-load.js';
import { mediaQueue } from '../domain/task-queues.js';
import { createLogger } from '../platform/log/logger.js';
import { writeAuthorities } from '../media/restream/authorities.js';
import { createIngestClient, createOriginClient } from '../media/control-client.js';
import { EncoderRegistry } from '../media/encoder/encoder-registry.js';
import { maxPixelsOf } from '../media/ffmpeg/decoder-limit.js';
import { verifyEncoder } from '../media/ffmpeg/verify-encoder.js';
import { endOrphans } from '../media/process/orphans.js';
import { RestreamRegistry } from '../media/restream/restream-registry.js';
import { drained, type StopSignals, takeStopSignals } from '../platform/ops/drain.js';
import { createRegistry } from '../platform/ops/ops-server.js';
import { runEntry } from '../platform/ops/run-entry.js';
import { installRuntime, runWorker } from './run-worker.js';
import { tellStreamHealth } from './stream-health.js';

const env = readEnvironment();
// The ffmpeg children inherit the environment: they get no secrets, and need none.
delete process.env.HOLDFAST_DATABASE_URL;
delete process.env.HOLDFAST_MASTER_KEY;
const log = createLogger('media-worker', env.HOLDFAST_LOG_LEVEL);

/**
 * A broadcast holds one slot for its encoder, one more until it is playable, and for a moment that of an encoder being
 * replaced. The ingest refuses broadcasts beyond the host's limit, so encoders never take the slots of others.
 */
const SLOTS_PER_BROADCAST = 3;
/** Short commands (stop, finish, disconnect) must never wait behind encoders. */
const COMMAND_SLOTS = 40;
/** A restream holds one while it sends, and one more until it is live. They wait for files; only their ffmpeg costs anything. */
const RESTREAM_SLOTS = 500;
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
  const encoders = new EncoderRegistry(paths.encoders);
  const restreams = new RestreamRegistry(paths.restreams);
  const openAmong = (ids: string[]): Promise<string[]> => openBroadcastsAmong(database, ids);
  try {
    await Promise.all([endOrphans({ registry: encoders, openAmong, log }), endOrphans({ registry: restreams, openAmong, log })]);
  } catch (error) {
    // Without Postgres nobody can tell which are over; the next start looks again.
    log.warn({ reason: error instanceof Error ? error.message : String(error) }, 'could not look for orphans');
  }
  const ingest = createIngestClient(addresses.ingestControl);
  const activities = createMediaActivities({
    origin: createOriginClient(addresses.originControl),
    ingest,
    targets: createDestinationTargets(database, createSecretBox(masterKey)),
    restreams,
    programmeUrl: ingest.programmeUrl,
    endReader: ingest.endReader,
    slatesDir: paths.slates,
    restreamLogPath: ({ broadcastId, destinationId }) => join(paths.logs, 'restreams', `${broadcastId}-${destinationId}.log`),
    allowPrivateAddresses: env.HOLDFAST_ALLOW_PRIVATE_ADDRESSES,
    caFile: await writeAuthorities(join(paths.run, 'authorities.pem'), process.env.NODE_EXTRA_CA_CERTS),
    registry: encoders,
    ffmpegPath,
    encoder,
    maxPixels: maxPixelsOf(env.HOLDFAST_MAX_SOURCE_SIZE),
    logPath: (broadcastId, epoch) => join(paths.logs, 'encoders', `${broadcastId}-${epoch}.log`),
    tellHealth: tellStreamHealth,
    log,
  });
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
        taskQueue: mediaQueue(env.HOLDFAST_HOST_ID),
        identity: `media-worker@${env.HOLDFAST_HOST_ID}`,
        activities,
        maxConcurrentActivityTaskExecutions: SLOTS_PER_BROADCAST * env.HOLDFAST_MAX_BROADCASTS + COMMAND_SLOTS + RESTREAM_SLOTS,
        activityTaskPollerBehavior: { type: 'simple-maximum', maximum: POLLERS },
        maxHeartbeatThrottleInterval: '2 seconds',
      }),
  });
  await database.destroy();
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
