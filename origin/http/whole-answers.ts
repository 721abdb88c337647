import { ERROR_KINDS, type HoldfastError } from '../../domain/errors.js';
import type { RenderedPlaylist } from '../rendered-playlist.js';
import { cacheControl } from './cache-control.js';
import { OPEN_TO_ALL, PUBLISHED_HEADER } from './cors.js';
import type { WebAsset } from './web-assets.js';
import type { WholeAnswer } from './wire.js';

/** RFC 8216bis 4: the type of playlists. */
const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';
/** Seconds a player waits before it asks again for something that is not playable yet. */
const RETRY_AFTER_SECONDS = 1;
/** Who asked whether a token is good need not ask again for so long: a part of the minute in which a revoked key stops its viewers. */
export const ACCESS_SECONDS = 20;

/** Both init and segments are ISO base media; Safari and browsers take this type for picture and sound. */
export const mediaType = (rendition: string): string => (rendition === 'audio' ? 'audio/mp4' : 'video/mp4');

/** @param body the playlist's, as `gzip` says; the two have different ETags (RFC 9110, 8.8.3.3) */
export function playlistAnswer(playlist: RenderedPlaylist, body: Buffer, gzip: boolean, caching: string): WholeAnswer {
  const headers = {
    ...OPEN_TO_ALL,
    'content-type': PLAYLIST_TYPE,
    'cache-control': caching,
    vary: 'Accept-Encoding',
    etag: gzip ? `"${playlist.etag}-gzip"` : `"${playlist.etag}"`,
    'content-length': body.length,
    ...(gzip ? { 'content-encoding': 'gzip' } : {}),
  };
  return { status: 200, headers, body };
}

/** To another address of the same thing. @param location relative */
export const redirectAnswer = (location: string): WholeAnswer => ({
  status: 302,
  headers: { ...OPEN_TO_ALL, location, 'cache-control': 'no-store', 'content-length': 0 },
  body: Buffer.alloc(0),
});

/** A token is good, and may be taken for good for a while. */
export const accessAnswer = (): WholeAnswer => ({
  status: 204,
  headers: { ...OPEN_TO_ALL, 'cache-control': `private, max-age=${ACCESS_SECONDS}` },
  body: Buffer.alloc(0),
});

/** @param publishedAt of a part: wall clock (ms) at which it was listed */
export const mediaHeaders = (rendition: string, caching: string, publishedAt?: number) => ({
  ...OPEN_TO_ALL,
  'content-type': mediaType(rendition),
  'cache-control': caching,
  'accept-ranges': 'bytes',
  ...(publishedAt === undefined ? {} : { [PUBLISHED_HEADER]: publishedAt }),
});

export function assetAnswer({ type, bytes, headers }: WebAsset): WholeAnswer {
  return { status: 200, headers: { ...OPEN_TO_ALL, ...headers, 'content-type': type, 'content-length': bytes.length }, body: bytes };
}

/** Why it failed, as JSON, with CORS: a player on another site can show it. */
export function errorAnswer(error: HoldfastError): WholeAnswer {
  const { code, kind, message } = error;
  const asksAgain = code === 'not_playable_yet' || code === 'rate_limited' || ERROR_KINDS[code].status === 503;
  const body = Buffer.from(JSON.stringify({ code, message }));
  const headers = {
    ...OPEN_TO_ALL,
    'cache-control': cacheControl('error', false),
    ...(asksAgain ? { 'retry-after': String(RETRY_AFTER_SECONDS) } : {}),
    ...(code === 'method_not_allowed' ? { allow: 'GET, HEAD, OPTIONS' } : {}),
    'content-type': 'application/json',
    'content-length': body.length,
  };
  return { status: kind.status, headers, body };
}
