import type { SourceLayout } from '../domain/source.js';

/*
 * What the media worker asks of the ingest of its host, HTTP on the ingest's control address (loopback).
 * Errors are {code, message} with the status of domain/errors.ts.
 */

/** GET /publishers/:publishId; 404 when that publisher is gone. */
export interface PublisherStatus {
  publishId: string;
  streamId: string;
  publishSeq: number;
  source: SourceLayout;
  bytesIn: number;
  /** Milliseconds since the last byte came in. */
  idleMs: number;
}

/** POST /publishers/:publishId/disconnect → {disconnected: boolean}; false when it was gone already (idempotent). */
export interface DisconnectPublisher {
  /** Shown in the ingest's log. */
  reason: string;
}

export interface DisconnectedPublisher {
  disconnected: boolean;
}

/*
 * GET /relay/:publishId.flv?start=cache|keyframe: the publisher's media as FLV until it is gone, then the end of
 * the body. `cache` begins with the newest keyframe the ingest still has, `keyframe` with the next one to come.
 * The publishId is unguessable and is no stream key, so it may be seen in `ps`.
 */
export type RelayStart = 'cache' | 'keyframe';
