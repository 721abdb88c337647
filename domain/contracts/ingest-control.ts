import type { SourceGop } from '../passthrough.js';
import type { SourceLayout } from '../source.js';

/*
 * What the media worker asks of the ingest of its host, HTTP on the ingest's control address (loopback).
 * Only processes of this host are answered (control-access.ts): with the header, or, where ffmpeg reads media, by a signed
 * address. Everybody on a machine may see ffmpeg's arguments, and a header there would be the key to everything; a stream's id
 * alone would be guessable. Errors are {code, message} with the status of domain/errors.ts.
 */

/**
 * GET /publishers/:publishId; 404 when that publisher is gone.
 * GET /publishers → {publishers: PublisherStatus[]}: all whose media is known.
 */
export interface PublisherStatus {
  publishId: string;
  streamId: string;
  publishSeq: number;
  source: SourceLayout;
  bytesIn: number;
  /** Milliseconds since the last byte came in. */
  idleMs: number;
  /** The newest time that all its tracks have reached, milliseconds on the publish's own clock. */
  mediaMs: number;
  /** Named readers of the relay → where their media begins, milliseconds on the publish's own clock. */
  readers: Record<string, number>;
  /** What was seen of its picture's GOPs; null before the first keyframe. */
  gop: SourceGop | null;
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
 * GET /relay/:publishId.flv?start=cache|keyframe|resume[&from=MS][&reader=NAME[&copies=1]]: the publisher's media as FLV until it is
 * gone, then the end of the body; timestamps are those of the publish's own clock. `cache` begins with the oldest
 * keyframe the ingest still keeps for a start, `keyframe` with the next one to come, `resume` with the newest one at or
 * before `from` on that clock, or with the newest of all when that one is no longer kept. With `copies` the body ends as
 * soon as the next picture does not fit behind a copy of those before it (`PublisherStatus.gop.obstacle` says why).
 */
export const RELAY_STARTS = ['cache', 'keyframe', 'resume'] as const;
export type RelayStart = (typeof RELAY_STARTS)[number];

export interface RelayReader {
  start: RelayStart;
  /** Of `resume`. */
  fromMs: number;
  /** For `PublisherStatus.readers`; letters, digits, `_` and `-`. */
  name: string | null;
  /** It copies the picture; needs a name. */
  copies: boolean;
}

/**
 * GET /relay/:publishId/start?start=…[&from=MS]: where a reader that asks in these words now begins.
 * GET /programme/:streamId/start?slate=NAME|none: the same of the programme; a slate that nobody reads yet begins now.
 */
export interface MediaStart {
  /**
   * Wall clock (ms) at which the first frame of it came in that is not shown already, or would have come in, had it been
   * as prompt as the frames behind it (see CachedStart); null: it is yet to come.
   */
  receivedAt: number | null;
}

/*
 * GET /programme/:streamId.flv?slate=NAME|none[&reader=ID]: what restreams send. One FLV without end over publisher
 * changes: it begins with the present publisher's newest keyframe, its timestamps never go back and never jump more
 * than a frame or two, and a publisher that returns continues it with a new sequence header from its next keyframe.
 * While no publisher is there, the slate of that name is repeated at its own pace (from the moment the publisher is
 * gone or silent), or with `none` nothing is sent. A reader that connects while no publisher is there begins with the
 * slate.
 * NAME is a file `<dataDir>/run/slates/<NAME>.flv`, made by the media worker: a few seconds that begin with a
 * keyframe, same codecs, size and sound layout as the source. It is 404 while there is no such file, and 400 when its
 * codecs are not those of what is published. The body ends when a publisher returns with other codecs or tracks, or
 * the ingest stops: read it anew then.
 *
 * POST /readers/:reader/end → EndedReader: ends the body for the reader of that name, so that an ffmpeg that reads it
 * finishes its output and leaves politely. A first SIGINT alone does not do that while nothing is sent: ffmpeg notices
 * it with the next packet. False when nobody reads by that name (idempotent).
 */
export interface EndedReader {
  ended: boolean;
}
