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
  /** Says that bytes still flow; every CLAIM_RENEW_SECONDS. False when another publisher has the claim now. */
  renew(publishId: string): Promise<boolean>;
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

export type PublishClaim = { accepted: true; streamId: string; publishSeq: number } | { accepted: false; code: PublishRefusal };

export const CLAIM_RENEW_SECONDS = 5;
/** Three missed renewals: the host is gone, another one may take the publisher. */
export const CLAIM_LEASE_SECONDS = 15;
