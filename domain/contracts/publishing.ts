import type { ErrorCode } from '../errors.js';
import type { SourceLayout } from '../source.js';

/** What the ingest tells a stream's workflow about its publishers. */

/** Media has arrived from a publisher the ingest accepted. Repeated while the workflow does not know of it. */
export interface PublishStarted {
  /** Unique per telling; a message that is delivered twice is ignored. */
  eventId: string;
  streamId: string;
  publishId: string;
  /** Grows with every accepted publish of the stream; an older one than the present is ignored. */
  publishSeq: number;
  hostId: string;
  source: SourceLayout;
  /** host:port of the encoder, for the timeline. */
  remoteAddress: string;
}

/** The publisher's connection is gone, or silent for too long. */
export interface PublishStopped {
  eventId: string;
  publishId: string;
  publishSeq: number;
  reason: 'closed' | 'silent' | 'disconnected' | 'error';
}

/** A publisher of this stream was turned away: the host is full, its media is more than is taken, … */
export interface PublishRefused {
  eventId: string;
  code: ErrorCode;
  message: string;
  /** host:port of the encoder. */
  remoteAddress: string;
}
