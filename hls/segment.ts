import { quoted } from './attributes.js';
import { DURATION_DIGITS } from './part-target.js';

/** One line group of a media playlist. */
export interface MediaSegment {
  /** Relative to the playlist. */
  uri: string;
  /** Seconds. */
  duration: number;
  /** Milliseconds of the wall clock at its first frame. */
  programDateTime: number;
  /** The timeline breaks before it (RFC 8216bis 4.4.4.3). */
  discontinuity: boolean;
  /** URI of its header; null when it is a gap of a rendition that had none yet. */
  map: string | null;
  /** There is no media for it; players skip it (4.4.4.7). */
  gap: boolean;
}

/** EXT-X-MAP counts for every segment until the next one, so it is written where it changes. */
export function renderSegment(segment: MediaSegment, mapBefore: string | null): string[] {
  return [
    ...(segment.discontinuity ? ['#EXT-X-DISCONTINUITY'] : []),
    ...(segment.map !== null && segment.map !== mapBefore ? [`#EXT-X-MAP:URI=${quoted(segment.map)}`] : []),
    `#EXT-X-PROGRAM-DATE-TIME:${new Date(segment.programDateTime).toISOString()}`,
    ...(segment.gap ? ['#EXT-X-GAP'] : []),
    `#EXTINF:${segment.duration.toFixed(DURATION_DIGITS)},`,
    segment.uri,
  ];
}
