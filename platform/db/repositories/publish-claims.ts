import type { Knex } from 'knex';
import type { SecretBox } from '../../auth/secret-box.js';
import {
  CLAIM_LEASE_SECONDS,
  type PublishClaim,
  type PublishClaimRequest,
  type PublishClaims,
  type PublishRefusal,
} from '../../../domain/contracts/publish-claims.js';
import { openStreamsOf } from './host-load.js';
import { drainedAtOf } from './hosts.js';
import type { StreamRow } from './stream-row.js';

interface ClaimRow {
  stream_id: string;
  publish_id: string;
  publish_seq: number;
  host_id: string;
  remote_address: string;
  claimed_at: Date;
  expires_at: Date;
}

/** The database's clock decides who is late: the hosts' clocks may differ. */
const leaseEnd = (db: Knex) => db.raw("now() + ? * interval '1 second'", [CLAIM_LEASE_SECONDS]);

/** Who publishes to which stream, in Postgres. */
export function createPublishClaims(db: Knex, secrets: SecretBox): PublishClaims {
  const claims = () => db<ClaimRow>('publish_claims');
  return {
    async find(streamKey) {
      const row = await withKey(db, secrets, streamKey).first('id');
      return row?.id ?? null;
    },

    claim: (request) => db.transaction((trx) => claim(trx, secrets, request)),

    async renew(publishId) {
      return (
        (await db('publish_claims')
          .where({ publish_id: publishId })
          .update({ expires_at: leaseEnd(db) })) > 0
      );
    },

    async release(publishId) {
      await claims().where({ publish_id: publishId }).delete();
    },

    openStreams: async (hostId) => (await openStreamsOf(db, hostId)).length,
  };
}

const withKey = (db: Knex, secrets: SecretBox, streamKey: string) =>
  db<StreamRow>('streams').where({ stream_key_hash: secrets.lookupHash(streamKey), deleted_at: null });

async function claim(trx: Knex.Transaction, secrets: SecretBox, request: PublishClaimRequest): Promise<PublishClaim> {
  // The row lock makes two publishers of one stream take turns.
  const stream = await withKey(trx, secrets, request.streamKey).forUpdate().first('id', 'status', 'disabled', 'publish_seq');
  if (!stream) return { accepted: false, code: 'publish_unknown_key' };
  const refusal =
    refusalOf(stream) ?? (await refusalOfHolder(trx, stream.id, request.hostId)) ?? (await refusalOfHost(trx, stream.id, request));
  if (refusal) return { accepted: false, code: refusal };

  const publishSeq = stream.publish_seq + 1;
  await trx<StreamRow>('streams').where({ id: stream.id }).update({ publish_seq: publishSeq });
  await trx('publish_claims')
    .insert({
      stream_id: stream.id,
      publish_id: request.publishId,
      publish_seq: publishSeq,
      host_id: request.hostId,
      remote_address: request.remoteAddress,
      claimed_at: trx.fn.now(),
      expires_at: leaseEnd(trx),
    })
    .onConflict('stream_id')
    .merge();
  return { accepted: true, streamId: stream.id, publishSeq };
}

function refusalOf(stream: Pick<StreamRow, 'status' | 'disabled'>): PublishRefusal | null {
  if (stream.status === 'ended') return 'stream_ended';
  if (stream.disabled) return 'stream_disabled';
  return stream.status === 'ending' ? 'stream_ending' : null;
}

/** Claims of one host take turns here, so that two at once do not both take its last place. */
async function refusalOfHost(
  trx: Knex.Transaction,
  streamId: string,
  { hostId, room }: PublishClaimRequest,
): Promise<PublishRefusal | null> {
  await trx.raw('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`media host ${hostId}`]);
  const open = await openStreamsOf(trx, hostId);
  if (open.includes(streamId)) return null;
  if (await drainedAtOf(trx, hostId)) return 'host_draining';
  return open.length < room.streams ? null : room.refusal;
}

/** A claim of the same host gives way: that host knows which of its publishers are healthy. */
async function refusalOfHolder(trx: Knex.Transaction, streamId: string, hostId: string): Promise<PublishRefusal | null> {
  const holder = await trx<ClaimRow>('publish_claims')
    .where({ stream_id: streamId })
    .whereNot({ host_id: hostId })
    .where('expires_at', '>', trx.fn.now())
    .first('stream_id');
  return holder ? 'publish_already' : null;
}
