import { GOP_SECONDS } from '../../domain/ladder.js';
import { AAC_FRAME_SECONDS } from '../hls/part-target.js';

/**
 * EXT-X-TARGETDURATION of a broadcast, seconds: fixed before the first segment and never changed (RFC 8216bis 6.2.1).
 * EXTINF rounded to the nearest integer must not exceed it (4.4.3.1); an audio segment can be one AAC frame longer than
 * the GOP. Never below the usual GOP, so that an encoder restart with another frame rate still fits.
 */
export function targetDuration(gopSeconds: number): number {
  return Math.max(Math.round(GOP_SECONDS), Math.round(gopSeconds + AAC_FRAME_SECONDS));
}

/** True when a segment of this many seconds may be listed under this target duration. */
export const fitsTarget = (seconds: number, target: number): boolean => Math.round(seconds) <= target;
