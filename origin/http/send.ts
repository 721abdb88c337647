import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { HoldfastError } from '../../domain/errors.js';
import type { Logger } from '../../platform/log/logger.js';
import type { RenderedPlaylist } from '../playlists.js';
import { OPEN_TO_ALL } from './cors.js';
import { parseRange } from './range.js';
import { errorAnswer, playlistAnswer, playlistHeaders } from './whole-answers.js';
import type { WholeAnswer } from './wire.js';

/** True unless the client refuses gzip (RFC 9110, 12.5.3). */
export const takesGzip = (header: string | undefined): boolean => /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/.test(header ?? '');

/** Bytes of the body sent; none for HEAD. */
export function sendWhole(request: IncomingMessage, response: ServerResponse, { status, headers, body }: WholeAnswer): number {
  response.writeHead(status, headers);
  response.end(request.method === 'HEAD' ? undefined : body);
  return body.length;
}

export function sendPlaylist(request: IncomingMessage, response: ServerResponse, playlist: RenderedPlaylist, caching: string): number {
  const headers = playlistHeaders(playlist, caching);
  if (request.headers['if-none-match'] === headers.etag) {
    response.writeHead(304, headers).end();
    return 0;
  }
  return sendWhole(request, response, playlistAnswer(playlist, takesGzip(request.headers['accept-encoding']), caching));
}

/** A file's bytes: in memory, or where on disk. */
export type MediaSource = { bytes: Buffer } | { path: string; size: number };

/** Whole or in part (206, 416); from disk it is streamed, and a viewer who leaves closes the file. */
export async function sendMedia(
  request: IncomingMessage,
  response: ServerResponse,
  media: MediaSource,
  headers: Record<string, string | number>,
): Promise<number> {
  const size = 'bytes' in media ? media.bytes.length : media.size;
  const range = parseRange(request.headers.range, size);
  if (range === 'unsatisfiable') {
    response.writeHead(416, { ...OPEN_TO_ALL, 'content-range': `bytes */${size}`, 'cache-control': 'no-store' }).end();
    return 0;
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  response.writeHead(range ? 206 : 200, {
    ...headers,
    'content-length': end - start + 1,
    ...(range ? { 'content-range': `bytes ${start}-${end}/${size}` } : {}),
  });
  if (request.method === 'HEAD') response.end();
  else if ('bytes' in media) response.end(range ? media.bytes.subarray(start, end + 1) : media.bytes);
  else await pipeline(createReadStream(media.path, { start, end }), response);
  return end - start + 1;
}

/** Why there is no answer, if that can still be said. */
export function sendError(log: Logger, request: IncomingMessage, response: ServerResponse, error: unknown): number {
  // A viewer who leaves in the middle of a segment is no failure.
  if (response.destroyed || request.destroyed || (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE') return 0;
  const known = error instanceof HoldfastError ? error : new HoldfastError('internal');
  if (known.code === 'internal') log.error({ reason: String(error) }, 'playback request failed');
  if (response.headersSent) {
    response.destroy();
    return 0;
  }
  return sendWhole(request, response, errorAnswer(known));
}
