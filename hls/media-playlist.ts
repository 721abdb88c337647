import { renderSegment, type MediaSegment } from './segment.js';

/** EXT-X-MAP outside of I-frame playlists needs 6 (RFC 8216bis 8); nothing else here needs more … */
export const PROTOCOL_VERSION = 6;
/** … but EXT-X-GAP, which came with 8. */
const GAP_PROTOCOL_VERSION = 8;

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
}

export function renderMediaPlaylist(playlist: MediaPlaylist): string {
  const lines = [
    '#EXTM3U',
    `#EXT-X-VERSION:${playlist.segments.some(({ gap }) => gap) ? GAP_PROTOCOL_VERSION : PROTOCOL_VERSION}`,
    `#EXT-X-TARGETDURATION:${playlist.targetDuration}`,
    ...(playlist.onDemand ? ['#EXT-X-PLAYLIST-TYPE:VOD'] : []),
    `#EXT-X-MEDIA-SEQUENCE:${playlist.mediaSequence}`,
    // Always there: a break can come at any time, and players need the count from their first reload on.
    `#EXT-X-DISCONTINUITY-SEQUENCE:${playlist.discontinuitySequence}`,
    '#EXT-X-INDEPENDENT-SEGMENTS',
  ];
  let map: string | null = null;
  for (const segment of playlist.segments) {
    lines.push(...renderSegment(segment, map));
    map = segment.map ?? map;
  }
  if (playlist.ended) lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}
