import type { ErrorCode } from '../errors.js';

/** What the ingest asks Postgres before it accepts a publisher. Any rejection of a promise means: refuse (fail closed). */
export interface PublishClaims {
  /**
   * The id of the stream this key belongs to, or null for an unknown key; changes nothing. Asked before `claim`, because
   * a claim takes the stream from an older publisher of the same host: the ingest first looks whether that one is healthy.
   */
  find(streamKey: string): Promise<string | null>;
  /**
   * Takes the stream for this publisher, atomically, and numbers the publish. Refused: unknown key, stream ended,
   * ending or disabled, or a publisher of another host that is still renewed. A claim of the same host replaces that
   * host's older one: the ingest itself knows which of its publishers are healthy. Without room only streams that have a
   * broadcast or a publisher on this host already are taken; the others are refused as `room` says.
   */
  claim(request: PublishClaimRequest): Promise<PublishClaim>;
  /**
   * Says that bytes still flow; every CLAIM_RENEW_SECONDS. A claim that is not in the database, or an older one in its place
   * that nobody renews, means that the database was taken back to an earlier time: the publisher claims again for itself. It
   * is lost only to another publish with a higher number, or to a revocation. Of a stream that is not in the database it
   * is kept: whether the stream is over, its workflow decides.
   */
  renew(holder: ClaimHolder): Promise<ClaimRenewal>;
  /**
   * A new number for a publish that holds its claim, higher than `above` and than all before; null when it does not hold it,
   * or its stream is not in the database. For a database that was taken back, and numbered lower than a workflow remembers.
   */
  renumber(holder: ClaimHolder, above: number): Promise<number | null>;
  /** Gives the stream free (idempotent). */
  release(publishId: string): Promise<void>;
  /** Streams with a broadcast or a publisher on this host now. */
  openStreams(hostId: string): Promise<number>;
}

/** How many streams may be on a host at once, and what one too many hears. */
export interface HostRoom {
  streams: number;
  refusal: 'host_full' | 'host_draining' | 'disk_full';
}

export interface PublishClaimRequest {
  streamKey: string;
  hostId: string;
  publishId: string;
  /** host:port of the encoder */
  remoteAddress: string;
  room: HostRoom;
}

export type PublishRefusal = Extract<
  ErrorCode,
  'publish_unknown_key' | 'stream_ended' | 'stream_ending' | 'stream_disabled' | 'publish_already' | HostRoom['refusal']
>;

/** A publisher that was accepted: who says that the stream is still its own. */
export interface ClaimHolder {
  streamId: string;
  publishId: string;
  publishSeq: number;
  hostId: string;
  /** host:port of the encoder */
  remoteAddress: string;
}

/**
 * `publishSeq` numbers the publishes of a stream: each is higher than every one before it, and at least the database's clock
 * in milliseconds since 1970, so that a database that was taken back to an earlier time numbers higher all the same.
 */
export type PublishClaim = { accepted: true; streamId: string; publishSeq: number } | { accepted: false; code: PublishRefusal };

/** What takes the claims of a stream away from whoever publishes, or is about to. */
export type Revocation = 'key_rotated' | 'stream_disabled' | 'stream_deleted';

export type ClaimLoss = Revocation | 'taken_over';

export type ClaimRenewal = { held: true } | { held: false; reason: ClaimLoss };

/** How each loss is told: in words to the encoder that is disconnected, as a code to one that is refused. */
export const CLAIM_LOSSES: Readonly<Record<ClaimLoss, { words: string; code: PublishRefusal }>> = {
  key_rotated: { words: 'the stream key was rotated', code: 'publish_unknown_key' },
  stream_disabled: { words: 'the stream is disabled', code: 'stream_disabled' },
  stream_deleted: { words: 'the stream was deleted', code: 'publish_unknown_key' },
  taken_over: { words: 'another publisher has taken the stream over', code: 'publish_already' },
};

export const CLAIM_RENEW_SECONDS = 5;
/** Three missed renewals: the host is gone, another one may take the publisher. */
export const CLAIM_LEASE_SECONDS = 15;
