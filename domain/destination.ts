import type { ErrorCode } from './errors.js';

export const DESTINATION_STATUSES = ['idle', 'starting', 'live', 'retrying', 'failed', 'ended'] as const;
export type DestinationStatus = (typeof DESTINATION_STATUSES)[number];

/** `source`: what the encoder sends, copied. A number: that height of H.264, for platforms with limits. */
export type RestreamRendition = 'source' | number;

export interface DestinationError {
  code: ErrorCode;
  /** What happened and what to do about it; no URL, no key. */
  message: string;
}

/** One destination within one broadcast, as its workflow knows it. */
export interface RestreamState {
  destinationId: string;
  status: DestinationStatus;
  /** Connections tried in this broadcast. */
  attempts: number;
  lastError: DestinationError | null;
  /** ISO 8601; set exactly while `retrying`. */
  nextAttemptAt: string | null;
  /** ISO 8601; when the present (or last) connection became live. */
  startedAt: string | null;
}

/** How one connection to a destination ended. */
export interface RestreamEnd {
  code:
    | Extract<
        ErrorCode,
        | 'destination_refused'
        | 'destination_unreachable'
        | 'destination_lost'
        | 'destination_wedged'
        | 'restream_source_lost'
        | 'restream_limit'
        | 'destination_url_invalid'
        | 'destination_address_forbidden'
      >
    | 'stopped';
  /** ffmpeg's words, redacted. */
  detail: string;
  /** Media left for the platform before it ended. */
  wasLive: boolean;
  bytesSent: number;
}
