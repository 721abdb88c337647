import { ID_PATTERN } from '../id-pattern.js';
import type { MediaPlaylistKind } from '../playlists.js';

/** What a playback address means. Every part was checked by pattern: no address can lead out of a broadcast's folder. */
export type PlaybackRoute =
  | { kind: 'multivariant'; playbackId: string }
  /** One broadcast by name, also when it is not the newest: a recording, or the part of one that this host has. */
  | { kind: 'broadcast'; playbackId: string; broadcastId: string }
  | { kind: 'player'; playbackId: string }
  /** Whether a token lets its viewer in: for caches in front that check tokens themselves. */
  | { kind: 'access'; playbackId: string }
  | { kind: 'playlist'; playbackId: string; broadcastId: string; rendition: string; playlist: MediaPlaylistKind }
  | { kind: 'media'; playbackId: string; broadcastId: string; rendition: string; file: string; init: boolean }
  | { kind: 'part'; playbackId: string; broadcastId: string; rendition: string; file: string }
  | { kind: 'asset'; name: string };

export type RouteOf<K extends PlaybackRoute['kind']> = Extract<PlaybackRoute, { kind: K }>;

const RENDITION = /^[a-z0-9]{1,24}$/;
const SEGMENT = /^\d{1,9}\.m4s$/;
const PART = /^p\d{1,16}\.m4s$/;
const INIT = /^init-\d{1,9}(-\d{1,4})?\.mp4$/;
const PLAYLIST = /^(index|vod)\.m3u8$/;

/** null = there is nothing of the kind. */
export function parsePlaybackPath(path: string): PlaybackRoute | null {
  const [, first = '', second = '', third, fourth, ...more] = path.split('/');
  if (first === 'assets') return third === undefined && second !== '' ? { kind: 'asset', name: second } : null;
  if (!ID_PATTERN.test(first) || more.length > 0) return null;
  if (third === undefined) {
    if (second === 'index.m3u8') return { kind: 'multivariant', playbackId: first };
    return second === 'player' || second === 'access' ? { kind: second, playbackId: first } : null;
  }
  if (fourth === undefined && third === 'index.m3u8' && ID_PATTERN.test(second))
    return { kind: 'broadcast', playbackId: first, broadcastId: second };
  if (fourth === undefined || !ID_PATTERN.test(second) || !RENDITION.test(third)) return null;
  const place = { playbackId: first, broadcastId: second, rendition: third };
  const playlist = PLAYLIST.exec(fourth)?.[1] as MediaPlaylistKind | undefined;
  if (playlist) return { kind: 'playlist', ...place, playlist };
  if (SEGMENT.test(fourth)) return { kind: 'media', ...place, file: fourth, init: false };
  if (PART.test(fourth)) return { kind: 'part', ...place, file: fourth };
  return INIT.test(fourth) ? { kind: 'media', ...place, file: fourth, init: true } : null;
}
