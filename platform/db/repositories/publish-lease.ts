import type { Knex } from 'knex';
import { CLAIM_LEASE_SECONDS, type ClaimHolder, type ClaimRenewal, type Revocation } from '../../../domain/contracts/publish-claims.js';
import type { StreamRow } from './stream-row.js';

/** One row of `publish_claims`, as pg returns it. */
export interface ClaimRow {
  stream_id: string;
  publish_id: string;
  /** bigint: pg gives text. */
  publish_seq: string;
  host_id: string;
  remote_address: string;
  claimed_at: Date;
  expires_at: Date;
}

/** The database's clock decides who is late: the hosts' clocks may differ. */
const leaseEnd = (db: Knex) => db.raw("now() + ? * interval '1 second'", [CLAIM_LEASE_SECONDS]);

/** The next publish's number (see PublishClaim), also above `above`; the stream's row is locked by the caller. */
export async function nextPublishSeq(trx: Knex.Transaction, streamId: string, above = 0): Promise<number> {
  const clock = 'floor(extract(epoch from clock_timestamp()) * 1000)::bigint';
  const [row] = await trx<StreamRow>('streams')
    .where({ id: streamId })
    .update({ publish_seq: trx.raw(`greatest(publish_seq + 1, ?::bigint + 1, ${clock})`, [above]) })
    .returning('publish_seq');
  return Number(row!.publish_seq);
}

/** From now on the stream is this publisher's, whoever had it. */
export async function putClaim(trx: Knex.Transaction, holder: ClaimHolder): Promise<void> {
  await trx('publish_claims')
    .insert({
      stream_id: holder.streamId,
      publish_id: holder.publishId,
      publish_seq: holder.publishSeq,
      host_id: holder.hostId,
      remote_address: holder.remoteAddress,
      claimed_at: trx.fn.now(),
      expires_at: leaseEnd(trx),
    })
    .onConflict('stream_id')
    .merge();
}

/** Every publish of the stream numbered so far loses its claim; its ingest disconnects it with this reason. */
export async function revokeClaims(trx: Knex.Transaction, streamId: string, reason: Revocation): Promise<void> {
  await trx<StreamRow>('streams')
    .where({ id: streamId })
    .update({ revoked_publish_seq: trx.ref('publish_seq'), revoked_because: reason });
}

/** `PublishClaims.renew`. Nearly always one statement; what that one does not find is looked at under the stream's lock. */
export async function renewLease(db: Knex, holder: ClaimHolder): Promise<ClaimRenewal> {
  const unrevoked = db<StreamRow>('streams').where({ id: holder.streamId }).where('revoked_publish_seq', '<', holder.publishSeq);
  const renewed = await db('publish_claims')
    .where({ publish_id: holder.publishId })
    .whereExists(unrevoked.select(db.raw('1')))
    .update({ expires_at: leaseEnd(db) });
  if (renewed > 0) return { held: true };
  return db.transaction(async (trx) => {
    const standing = await standingOf(trx, holder);
    if (standing === 'unknown_stream' || standing === 'waits') return { held: true };
    if (standing !== 'free') return { held: false, reason: standing };
    await trx<StreamRow>('streams')
      .where({ id: holder.streamId })
      .update({ publish_seq: trx.raw('greatest(publish_seq, ?::bigint)', [holder.publishSeq]) });
    await putClaim(trx, holder);
    return { held: true };
  });
}

/** `PublishClaims.renumber`. */
export function renumberClaim(db: Knex, holder: ClaimHolder, above: number): Promise<number | null> {
  return db.transaction(async (trx) => {
    if ((await standingOf(trx, holder)) !== 'free') return null;
    const publishSeq = await nextPublishSeq(trx, holder.streamId, above);
    await putClaim(trx, { ...holder, publishSeq });
    return publishSeq;
  });
}

/**
 * How a publisher stands to its stream; locks the stream's row. `free`: nobody else has it, so it may put its claim there.
 * `waits`: an older publish of another host is still renewed, which can only be so for a moment.
 */
type Standing = 'free' | 'waits' | 'unknown_stream' | Revocation | 'taken_over';

async function standingOf(trx: Knex.Transaction, { streamId, publishId, publishSeq, hostId }: ClaimHolder): Promise<Standing> {
  const stream = await trx<StreamRow>('streams').where({ id: streamId }).forUpdate().first('revoked_publish_seq', 'revoked_because');
  if (!stream) return 'unknown_stream';
  if (stream.revoked_because && publishSeq <= Number(stream.revoked_publish_seq)) return stream.revoked_because;
  const other = await trx<ClaimRow>('publish_claims')
    .where({ stream_id: streamId })
    .whereNot({ publish_id: publishId })
    .select('publish_seq', 'host_id', trx.raw('expires_at > now() as renewed'))
    .first<Pick<ClaimRow, 'publish_seq' | 'host_id'> & { renewed: boolean }>();
  if (!other) return 'free';
  if (Number(other.publish_seq) >= publishSeq) return 'taken_over';
  return other.renewed && other.host_id !== hostId ? 'waits' : 'free';
}
