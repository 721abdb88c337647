import type { Knex } from 'knex';
import type { SecretBox } from '../../auth/secret-box.js';
import type { PublishClaim, PublishClaimRequest, PublishClaims, PublishRefusal } from '../../../domain/contracts/publish-claims.js';
import { openStreamsOf } from './host-load.js';
import { drainedAtOf } from './hosts.js';
import { type ClaimRow, nextPublishSeq, putClaim, renewLease, renumberClaim } from './publish-lease.js';
import type { StreamRow } from './stream-row.js';

/** Who publishes to which stream, in Postgres. */
export function createPublishClaims(db: Knex, secrets: SecretBox): PublishClaims {
  const claims = () => db<ClaimRow>('publish_claims');
  return {
    async find(streamKey) {
      const row = await withKey(db, secrets, streamKey).first('id');
      return row?.id ?? null;
    },

    claim: (request) => db.transaction((trx) => claim(trx, secrets, request)),

    renew: (holder) => renewLease(db, holder),

    renumber: (holder, above) => renumberClaim(db, holder, above),

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
  const stream = await withKey(trx, secrets, request.streamKey).forUpdate().first('id', 'status', 'disabled', 'revoked_publish_seq');
  if (!stream) return { accepted: false, code: 'publish_unknown_key' };
  const refusal =
    refusalOf(stream) ?? (await refusalOfHolder(trx, stream, request.hostId)) ?? (await refusalOfHost(trx, stream.id, request));
  if (refusal) return { accepted: false, code: refusal };

  const publishSeq = await nextPublishSeq(trx, stream.id);
  const { publishId, hostId, remoteAddress } = request;
  await putClaim(trx, { streamId: stream.id, publishId, publishSeq, hostId, remoteAddress });
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

/** A claim of the same host gives way: that host knows which of its publishers are healthy. So does one that is revoked. */
async function refusalOfHolder(
  trx: Knex.Transaction,
  stream: Pick<StreamRow, 'id' | 'revoked_publish_seq'>,
  hostId: string,
): Promise<PublishRefusal | null> {
  const holder = await trx<ClaimRow>('publish_claims')
    .where({ stream_id: stream.id })
    .whereNot({ host_id: hostId })
    .where('publish_seq', '>', stream.revoked_publish_seq)
    .where('expires_at', '>', trx.fn.now())
    .first('stream_id');
  return holder ? 'publish_already' : null;
}
