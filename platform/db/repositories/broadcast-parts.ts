import type { Knex } from 'knex';
import type { BroadcastPart } from '../../../domain/contracts/catalog.js';
import type { BroadcastRow } from './broadcasts.js';

/** One row of `broadcast_parts`, as pg returns it. */
interface PartRow {
  broadcast_id: string;
  host_id: string;
  started_at: Date;
  duration_seconds: number | null;
  /** bigint: pg gives text. */
  bytes: string | null;
}

/** What one media host has of a broadcast. */
export interface PartRecord {
  hostId: string;
  /** When the broadcast first came to that host. */
  startedAt: Date;
  /** null while it is not known: the broadcast has not ended there, or the host is away. */
  durationSeconds: number | null;
  bytes: number | null;
}

const parts = (db: Knex) => db<PartRow>('broadcast_parts');

/** In the order of the hosts; of a broadcast that has stayed on one host, that one. */
export async function partsOf(db: Knex, broadcastId: string): Promise<PartRecord[]> {
  const rows = await parts(db).where({ broadcast_id: broadcastId }).orderBy(['started_at', 'host_id']);
  if (rows.length > 0) return rows.map(toPart);
  const broadcast = await db<BroadcastRow>('broadcasts').where({ id: broadcastId }).first();
  return broadcast ? [toPart(broadcast)] : [];
}

/** The broadcast is on this host now, with what has been measured there. */
export async function recordHost(
  trx: Knex.Transaction,
  part: BroadcastPart | (Omit<BroadcastPart, 'durationSeconds' | 'bytes'> & Record<'durationSeconds' | 'bytes', null>),
): Promise<void> {
  const { broadcastId, hostId, durationSeconds, bytes } = part;
  const broadcast = await trx<BroadcastRow>('broadcasts').where({ id: broadcastId }).forUpdate().first();
  if (!broadcast) return;
  const first = { broadcast_id: broadcastId, host_id: broadcast.host_id, started_at: broadcast.started_at };
  const known = await parts(trx).where({ broadcast_id: broadcastId }).first('host_id');
  if (!known) await trx('broadcast_parts').insert(first);
  const measured = durationSeconds === null ? {} : { duration_seconds: durationSeconds, bytes };
  await trx('broadcast_parts')
    .insert({ broadcast_id: broadcastId, host_id: hostId, started_at: new Date(), ...measured })
    .onConflict(['broadcast_id', 'host_id'])
    .merge(durationSeconds === null ? ['broadcast_id'] : ['duration_seconds', 'bytes']);
}

/** Seconds and bytes of all parts that are known together; null when the broadcast has stayed on one host. */
export async function measuredParts(
  db: Knex,
  broadcastId: string,
): Promise<{ duration_seconds: number | null; bytes: string | null } | null> {
  const [sum] = await parts(db)
    .where({ broadcast_id: broadcastId })
    .select(db.raw('count(*)::int as count'), db.raw('sum(duration_seconds) as duration_seconds'), db.raw('sum(bytes)::bigint as bytes'));
  const { count, ...measured } = sum as unknown as { count: number; duration_seconds: number | null; bytes: string | null };
  return count === 0 ? null : measured;
}

const toPart = (row: Pick<PartRow, 'host_id' | 'started_at' | 'duration_seconds' | 'bytes'>): PartRecord => ({
  hostId: row.host_id,
  startedAt: row.started_at,
  durationSeconds: row.duration_seconds,
  bytes: row.bytes === null ? null : Number(row.bytes),
});
