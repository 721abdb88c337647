import type { Knex } from 'knex';
import type {
  BroadcastPart,
  BroadcastProjection,
  Catalog,
  NewBroadcast,
  RecordingProjection,
  StreamProjection,
} from '../../../domain/contracts/catalog.js';
import type { RestreamState } from '../../../domain/destination.js';
import { HoldfastError } from '../../../domain/errors.js';
import { destinationLabel } from '../../../domain/platforms.js';
import type { StreamSettings } from '../../../domain/stream.js';
import { measuredParts, partsOf, recordHost } from './broadcast-parts.js';
import type { BroadcastRow } from './broadcasts.js';
import type { DestinationRow } from './destination-row.js';
import { createEventRepository } from './events.js';
import { revokeClaims } from './publish-lease.js';
import { toSettings, type StreamRow } from './stream-row.js';

/**
 * What workflows write and read, in Postgres. Streams marked deleted are still written: their workflow is just
 * ending them. A stream already purged is not an error for a write: nothing is left to be kept right.
 */
export function createCatalog(db: Knex): Catalog {
  return {
    openBroadcast: (broadcast) =>
      db.transaction(async (trx) => {
        // Locked, so that a purge in between cannot leave the insert without its stream.
        const settings = await settingsOf(trx, broadcast.streamId, 'lock');
        await insertBroadcast(trx, broadcast);
        return settings;
      }),

    settings: (streamId) => settingsOf(db, streamId),

    record: (projection) => db.transaction((trx) => record(trx, projection)),

    async destinationsOf(streamId) {
      const query = db<DestinationRow>('destinations').where({ stream_id: streamId });
      const rows = await query.orderBy(['created_at', 'id']);
      return rows.map((row) => ({
        destinationId: row.id,
        label: destinationLabel(row.name, row.platform),
        enabled: row.enabled,
        revision: String(row.revision),
      }));
    },

    async broadcastsOf(streamId) {
      const rows = await db<BroadcastRow>('broadcasts').where({ stream_id: streamId }).orderBy(['started_at', 'id']);
      const hosts = await Promise.all(
        rows.map(async ({ id }) => (await partsOf(db, id)).map(({ hostId }) => ({ broadcastId: id, hostId }))),
      );
      return hosts.flat();
    },

    recordPart: (part) => db.transaction((trx) => recordPart(trx, part)),

    async markMediaDeleted(broadcastId) {
      const kept = db<BroadcastRow>('broadcasts').where({ id: broadcastId, media_deleted_at: null });
      await kept.update({ media_deleted_at: new Date() });
    },

    async purgeStream(streamId) {
      await db<StreamRow>('streams').where({ id: streamId }).delete();
    },
  };
}

async function settingsOf(db: Knex, streamId: string, lock?: 'lock'): Promise<StreamSettings> {
  const query = db<StreamRow>('streams').where({ id: streamId });
  const row = await (lock ? query.forUpdate() : query).first();
  if (!row) throw new HoldfastError('stream_not_found', undefined, { streamId });
  return toSettings(row);
}

/** One that is there already stays as it is. */
async function insertBroadcast(trx: Knex.Transaction, { broadcastId, streamId, hostId, startedAt }: NewBroadcast): Promise<void> {
  await trx<BroadcastRow>('broadcasts')
    .insert({
      id: broadcastId,
      stream_id: streamId,
      host_id: hostId,
      status: 'connecting',
      renditions: JSON.stringify([]) as unknown as [],
      started_at: new Date(startedAt),
    })
    .onConflict('id')
    .ignore();
}

async function record(trx: Knex.Transaction, projection: StreamProjection): Promise<void> {
  const { streamId, version, opened, broadcast, recording, restreams = [] } = projection;
  const stream = await trx<StreamRow>('streams').where({ id: streamId }).forUpdate().first('version', 'disabled');
  if (!stream) return;
  const isNews = await trx<StreamRow>('streams').where({ id: streamId }).where('version', '<=', version).update({
    status: projection.status,
    disabled: projection.disabled,
    broadcast_id: projection.broadcastId,
    version,
    updated_at: new Date(),
  });
  // A publisher that no workflow knows yet is reached by this alone.
  if (isNews > 0 && projection.disabled && !stream.disabled) await revokeClaims(trx, streamId, 'stream_disabled');
  if (opened) await insertBroadcast(trx, opened);
  if (broadcast) await recordBroadcast(trx, version, broadcast);
  if (recording && (await isThere(trx, recording.broadcastId))) await recordRecording(trx, streamId, version, recording);
  for (const restream of restreams) await recordRestream(trx, projection, restream);
  await createEventRepository(trx).append(projection.events);
}

/** A recording belongs to its broadcast: where that was lost, it is nowhere to be found. */
const isThere = async (trx: Knex.Transaction, broadcastId: string): Promise<boolean> =>
  (await trx<BroadcastRow>('broadcasts').where({ id: broadcastId }).first('id')) !== undefined;

const time = (text: string | null): Date | null => (text === null ? null : new Date(text));

/** Each row keeps a version of its own: a late write about one broadcast is not lost because the next one began. */
async function recordBroadcast(trx: Knex.Transaction, version: number, broadcast: BroadcastProjection): Promise<void> {
  const { broadcastId, hostId, durationSeconds, bytes } = broadcast;
  const rows = trx('broadcasts').where({ id: broadcastId }).where('version', '<=', version);
  if (hostId !== undefined && (await rows.clone().first('id'))) {
    const measured = durationSeconds === null ? ({ durationSeconds: null, bytes: null } as const) : { durationSeconds, bytes: bytes ?? 0 };
    await recordHost(trx, { broadcastId, hostId, ...measured });
    await rows.clone().update({ host_id: hostId });
  }
  const whole = await measuredParts(trx, broadcastId);
  await rows.update({
    status: broadcast.status,
    source: broadcast.source === null ? null : JSON.stringify(broadcast.source),
    renditions: JSON.stringify(broadcast.renditions),
    live_at: time(broadcast.liveAt),
    ended_at: time(broadcast.endedAt),
    end_cause: broadcast.endCause,
    duration_seconds: durationSeconds,
    bytes,
    ...whole,
    version,
  });
}

/** The rows keep their version: what the workflow said last of them stands, but for these figures. */
async function recordPart(trx: Knex.Transaction, part: BroadcastPart): Promise<void> {
  const { broadcastId } = part;
  const broadcast = await trx<BroadcastRow>('broadcasts').where({ id: broadcastId }).first('ended_at');
  // It is tried again: what the workflow says of the end must come first, or it would be the last word.
  if (broadcast?.ended_at === null) throw new Error(`The end of ${broadcastId} is not written yet.`);
  await recordHost(trx, part);
  const whole = await measuredParts(trx, broadcastId);
  if (!whole) return;
  await trx('broadcasts').where({ id: broadcastId }).update(whole);
  await trx('recordings')
    .where({ broadcast_id: broadcastId })
    .update({ ...whole, updated_at: new Date() });
  // Its only host was away when it ended; nobody else will say that it is ready.
  const waiting = trx('recordings').where({ broadcast_id: broadcastId, status: 'processing' });
  await waiting.update({ status: (whole.duration_seconds ?? 0) > 0 ? 'ready' : 'failed' });
}

/** A new broadcast's restream replaces the last one's, bytes included; every connection counts its bytes from zero. */
async function recordRestream(
  trx: Knex.Transaction,
  { streamId, version, broadcastId }: StreamProjection,
  { destinationId, status, attempts, lastError, nextAttemptAt, startedAt }: RestreamState,
): Promise<void> {
  const sameConnection = '(broadcast_id = coalesce(?, broadcast_id) and attempts = ?)';
  await trx('destinations')
    .where({ id: destinationId, stream_id: streamId })
    .where('version', '<=', version)
    .update({
      status,
      attempts,
      last_error_code: lastError?.code ?? null,
      last_error_message: lastError?.message ?? null,
      next_attempt_at: time(nextAttemptAt),
      started_at: time(startedAt),
      bytes_sent: trx.raw(`case when ${sameConnection} then bytes_sent else 0 end`, [broadcastId, attempts]),
      broadcast_id: trx.raw('coalesce(?, broadcast_id)', [broadcastId]),
      version,
      updated_at: new Date(),
    });
}

async function recordRecording(trx: Knex.Transaction, streamId: string, version: number, recording: RecordingProjection): Promise<void> {
  const now = new Date();
  const whole = await measuredParts(trx, recording.broadcastId);
  const columns = {
    status: recording.status,
    duration_seconds: recording.durationSeconds,
    bytes: recording.bytes,
    ...whole,
    version,
    updated_at: now,
  };
  await trx('recordings')
    .insert({
      ...columns,
      id: recording.recordingId,
      stream_id: streamId,
      broadcast_id: recording.broadcastId,
      created_at: now,
    })
    .onConflict('id')
    .merge(columns)
    .where('recordings.version', '<=', version);
}
