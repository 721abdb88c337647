import { renderControl, renderHint, renderReport, type LowLatencyConstants, type RenditionReport } from './low-latency.js';
import { renderSegment, type MediaSegment } from './segment.js';

/** EXT-X-MAP outside of I-frame playlists needs 6 (RFC 8216bis 8); nothing else here needs more … */
export const PROTOCOL_VERSION = 6;
/** … but EXT-X-GAP, which came with 8 … */
const GAP_PROTOCOL_VERSION = 8;
/** … and EXT-X-SKIP, which every low-latency playlist may answer with, with 9. */
const SKIP_PROTOCOL_VERSION = 9;

export interface MediaPlaylist {
  /** Whole seconds; the same in every rendition, for ever. */
  targetDuration: number;
  /** Number of the first listed segment. */
  mediaSequence: number;
  /** Discontinuities that have left the window. */
  discontinuitySequence: number;
  segments: readonly MediaSegment[];
  /** Nothing will be added. */
  ended: boolean;
  /** The whole broadcast from its first segment on: nothing will ever change. */
  onDemand: boolean;
  lowLatency?: LowLatencyPlaylist;
}

/** What a playlist with parts says beyond its segments. */
export interface LowLatencyPlaylist {
  constants: LowLatencyConstants;
  /** URI of the next part; null when nothing will come. */
  hint: string | null;
  reports: readonly RenditionReport[];
}

/** @param skipped segments at the front that the client has already: a delta update (RFC 8216bis 6.2.5.1) */
export const renderMediaPlaylist = (playlist: MediaPlaylist, skipped = 0): string =>
  `${[...mediaPlaylistLines(playlist, skipped)].join('\n')}\n`;

/** The same line by line, for playlists that are too long to be rendered in one go. */
export function* mediaPlaylistLines(playlist: MediaPlaylist, skipped = 0): Generator<string, void> {
  const { lowLatency } = playlist;
  yield* [
    '#EXTM3U',
    `#EXT-X-VERSION:${versionOf(playlist)}`,
    `#EXT-X-TARGETDURATION:${playlist.targetDuration}`,
    ...(lowLatency ? renderControl(lowLatency.constants) : []),
    ...(playlist.onDemand ? ['#EXT-X-PLAYLIST-TYPE:VOD'] : []),
    `#EXT-X-MEDIA-SEQUENCE:${playlist.mediaSequence}`,
    // Always there: a break can come at any time, and players need the count from their first reload on.
    `#EXT-X-DISCONTINUITY-SEQUENCE:${playlist.discontinuitySequence}`,
    '#EXT-X-INDEPENDENT-SEGMENTS',
    ...(skipped > 0 ? [`#EXT-X-SKIP:SKIPPED-SEGMENTS=${skipped}`] : []),
  ];
  let map: string | null = null;
  for (const [index, segment] of playlist.segments.entries()) {
    if (index >= skipped) yield* renderSegment(segment, map);
    map = segment.map ?? map;
  }
  if (playlist.ended) yield '#EXT-X-ENDLIST';
  else if (lowLatency?.hint) yield renderHint(lowLatency.hint);
  if (lowLatency) yield* lowLatency.reports.map(renderReport);
}

/**
 * How many segments a delta update may leave out: those that end before the skip boundary, CAN-SKIP-UNTIL seconds from
 * the end of the playlist (RFC 8216bis 4.4.3.8).
 */
export function skippableSegments(segments: readonly MediaSegment[], canSkipUntil: number): number {
  let seconds = 0;
  for (let index = segments.length - 1; index >= 0; index--) {
    if (seconds >= canSkipUntil) return index + 1;
    const { duration, parts = [] } = segments[index]!;
    seconds += duration ?? parts.reduce((sum, part) => sum + part.duration, 0);
  }
  return 0;
}

function versionOf({ lowLatency, segments }: MediaPlaylist): number {
  if (lowLatency) return SKIP_PROTOCOL_VERSION;
  return segments.some(({ gap }) => gap) ? GAP_PROTOCOL_VERSION : PROTOCOL_VERSION;
}
