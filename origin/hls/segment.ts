import { attributeList, quoted } from './attributes.js';
import { DURATION_DIGITS } from './part-target.js';

/** One EXT-X-PART. */
export interface MediaPart {
  /** Relative to the playlist. */
  uri: string;
  /** Seconds. */
  duration: number;
  /** Starts with a frame a decoder can start at. */
  independent: boolean;
}

/** One line group of a media playlist. */
export interface MediaSegment {
  /** Relative to the playlist. */
  uri: string;
  /** Seconds; null while it is open: only its parts are listed then. */
  duration: number | null;
  /** Milliseconds of the wall clock at its first frame. */
  programDateTime: number;
  /** The timeline breaks before it (RFC 8216bis 4.4.4.3). */
  discontinuity: boolean;
  /** URI of its header; null when it is a gap of a rendition that had none yet. */
  map: string | null;
  /** There is no media for it; players skip it (4.4.4.7). */
  gap: boolean;
  /** Listed near the live edge only. */
  parts?: readonly MediaPart[];
}

/**
 * EXT-X-MAP counts for every segment until the next one, so it is written where it changes. What counts for a whole
 * segment stands before its first part (4.4.4.9).
 */
export function renderSegment(segment: MediaSegment, mapBefore: string | null): string[] {
  return [
    ...(segment.discontinuity ? ['#EXT-X-DISCONTINUITY'] : []),
    ...(segment.map !== null && segment.map !== mapBefore ? [`#EXT-X-MAP:URI=${quoted(segment.map)}`] : []),
    `#EXT-X-PROGRAM-DATE-TIME:${new Date(segment.programDateTime).toISOString()}`,
    ...(segment.gap ? ['#EXT-X-GAP'] : []),
    ...(segment.parts ?? []).map(renderPart),
    ...(segment.duration === null ? [] : [`#EXTINF:${segment.duration.toFixed(DURATION_DIGITS)},`, segment.uri]),
  ];
}

const renderPart = ({ uri, duration, independent }: MediaPart): string =>
  `#EXT-X-PART:${attributeList({
    DURATION: duration.toFixed(DURATION_DIGITS),
    URI: quoted(uri),
    INDEPENDENT: independent ? 'YES' : undefined,
  })}`;
