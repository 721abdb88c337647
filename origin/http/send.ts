import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { RenderedPlaylist } from '../playlists.js';
import { parseRange } from './range.js';

/** RFC 8216bis 4: the type of playlists. */
const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';

/** True unless the client refuses gzip (RFC 9110, 12.5.3). */
export const takesGzip = (header: string | undefined): boolean => /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/.test(header ?? '');

export function sendPlaylist(request: IncomingMessage, response: ServerResponse, playlist: RenderedPlaylist, caching: string): number {
  const etag = `"${playlist.version}"`;
  const headers = { 'content-type': PLAYLIST_TYPE, 'cache-control': caching, vary: 'Accept-Encoding', etag };
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, headers).end();
    return 0;
  }
  const zipped = takesGzip(request.headers['accept-encoding']);
  const body = zipped ? playlist.gzip : playlist.plain;
  response.writeHead(200, { ...headers, 'content-length': body.length, ...(zipped ? { 'content-encoding': 'gzip' } : {}) });
  response.end(request.method === 'HEAD' ? undefined : body);
  return body.length;
}

export function sendText(request: IncomingMessage, response: ServerResponse, status: number, type: string, body: string | Buffer, headers: Record<string, string>): number {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body);
  response.writeHead(status, { ...headers, 'content-type': type, 'content-length': bytes.length });
  response.end(request.method === 'HEAD' ? undefined : bytes);
  return bytes.length;
}

/** A file's bytes: in memory, or where on disk. */
export type MediaSource = { bytes: Buffer } | { path: string; size: number };

/** Whole or in part (206, 416); from disk it is streamed, and a viewer who leaves closes the file. */
export async function sendMedia(request: IncomingMessage, response: ServerResponse, media: MediaSource, type: string, caching: string): Promise<number> {
  const size = 'bytes' in media ? media.bytes.length : media.size;
  const range = parseRange(request.headers.range, size);
  if (range === 'unsatisfiable') {
    response.writeHead(416, { 'content-range': `bytes */${size}`, 'cache-control': 'no-store' }).end();
    return 0;
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  response.writeHead(range ? 206 : 200, {
    'content-type': type,
    'content-length': end - start + 1,
    'cache-control': caching,
    'accept-ranges': 'bytes',
    ...(range ? { 'content-range': `bytes ${start}-${end}/${size}` } : {}),
  });
  if (request.method === 'HEAD') response.end();
  else if ('bytes' in media) response.end(range ? media.bytes.subarray(start, end + 1) : media.bytes);
  else await pipeline(createReadStream(media.path, { start, end }), response);
  return end - start + 1;
}
