import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { HoldfastError } from '../../domain/errors.js';
import type { Logger } from '../../platform/log/logger.js';
import type { HeldRequests } from '../held-requests.js';
import type { ViewerMetrics } from '../metrics.js';
import type { AddressLimits } from './address-limits.js';
import type { Hold } from './blocking.js';
import { OPEN_TO_ALL, PREFLIGHT } from './cors.js';
import type { Asker, Finder, Found, OnDisk } from './found.js';
import { parseRange } from './range.js';
import { isUnchanged, takesGzip } from './request-fields.js';
import { errorAnswer } from './whole-answers.js';
import type { WholeAnswer } from './wire.js';

export interface HttpSenderOptions {
  finder: Finder;
  held: HeldRequests;
  limits: AddressLimits;
  metrics: ViewerMetrics;
  log: Logger;
  /** Answers in its own way what it wants to; null = this one is for the finder. @returns bytes of the body */
  ownWay?: (request: IncomingMessage, response: ServerResponse) => Promise<number> | null;
}

/** A request and its answer, of node:http or node:http2. */
interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
}

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers everything a viewer can ask: any method, ranges, conditions, media on disk, HTTP/1.1 and HTTP/2. */
export function createRequestHandler(options: HttpSenderOptions): RequestHandler {
  return (request, response) => {
    let kind = 'error';
    response.once('close', () => options.metrics.answered(kind, response.statusCode, 0));
    answer(options, { request, response }, (found) => (kind = found))
      .catch((error: unknown) => sendError(options.log, { request, response }, error))
      .then((bytes) => options.metrics.served(bytes))
      .catch((error: unknown) => options.log.error({ reason: String(error) }, 'playback answer not sent'));
  };
}

async function answer(options: HttpSenderOptions, exchange: Exchange, isOfKind: (kind: string) => void): Promise<number> {
  const { request, response } = exchange;
  if (request.method === 'OPTIONS') {
    isOfKind('preflight');
    response.writeHead(204, { ...OPEN_TO_ALL, ...PREFLIGHT }).end();
    return 0;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') throw new HoldfastError('method_not_allowed');
  const own = options.ownWay?.(request, response) ?? null;
  if (own) {
    isOfKind('own');
    return own;
  }
  const asker: Asker = {
    gzip: takesGzip(request.headers['accept-encoding']),
    refusals: options.limits.refusalsOf(request.socket.remoteAddress),
  };
  const { kind, found } = options.finder.find(request.url ?? '', asker);
  isOfKind(kind);
  return send(options, exchange, found);
}

async function send(options: HttpSenderOptions, exchange: Exchange, found: Found): Promise<number> {
  switch (found.type) {
    case 'whole':
      return sendWhole(exchange, found.render());
    case 'file':
      return sendFile(exchange, found);
    case 'pending':
      return send(options, exchange, await found.ready);
    case 'hold':
      await wait(options, exchange, found.hold);
      return send(options, exchange, found.next());
  }
}

/** Resolves when what is waited for is there; a client that goes away is forgotten at once, and this with it. */
function wait({ held, limits }: HttpSenderOptions, { request, response }: Exchange, hold: Hold): Promise<void> {
  const limit = limits.heldBy(request.socket.remoteAddress);
  if (!limit.take()) throw new HoldfastError('rate_limited');
  return new Promise((resolve, reject) => {
    const over = (settle: () => void) => (): void => {
      limit.give();
      settle();
    };
    const giveUp = over(() => reject(new HoldfastError(hold.giveUp)));
    const drop = held.hold(hold, { answer: over(resolve), giveUp, limitMs: hold.limitMs });
    response.once('close', () => {
      if (drop()) limit.give();
    });
  });
}

/** Whole, in part, or not at all because the client has it. @returns bytes of the body sent; of HEAD those it would have been */
function sendWhole({ request, response }: Exchange, { status, headers, body }: WholeAnswer): number {
  const { etag } = headers;
  if (status === 200 && etag !== undefined && isUnchanged(request.headers['if-none-match'], String(etag))) {
    const { 'content-length': _length, 'content-encoding': _encoding, ...kept } = headers;
    response.writeHead(304, kept).end();
    return 0;
  }
  const range = status === 200 && headers['accept-ranges'] ? parseRange(request.headers.range, body.length) : null;
  if (range === 'unsatisfiable') return sendUnsatisfiable(response, body.length);
  const sent = range ? body.subarray(range.start, range.end + 1) : body;
  response.writeHead(range ? 206 : status, range ? { ...headers, ...rangeFields(range, body.length) } : headers);
  response.end(request.method === 'HEAD' ? undefined : sent);
  return sent.length;
}

/** From disk it is streamed, and a viewer who leaves closes the file. Throws `media_not_found`. */
async function sendFile({ request, response }: Exchange, { path, headers }: OnDisk): Promise<number> {
  const size = await sizeOf(path);
  // No media is empty: what is was lost by a disk that lost its power.
  if (size === 0) throw new HoldfastError('media_not_found');
  const range = parseRange(request.headers.range, size);
  if (range === 'unsatisfiable') return sendUnsatisfiable(response, size);
  const { start, end } = range ?? { start: 0, end: size - 1 };
  response.writeHead(range ? 206 : 200, { ...headers, 'content-length': size, ...(range ? rangeFields(range, size) : {}) });
  if (request.method === 'HEAD') response.end();
  else await pipeline(createReadStream(path, { start, end }), response);
  return end - start + 1;
}

const rangeFields = ({ start, end }: { start: number; end: number }, size: number) => ({
  'content-length': end - start + 1,
  'content-range': `bytes ${start}-${end}/${size}`,
});

function sendUnsatisfiable(response: ServerResponse, size: number): number {
  response.writeHead(416, { ...OPEN_TO_ALL, 'content-range': `bytes */${size}`, 'cache-control': 'no-store' }).end();
  return 0;
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new HoldfastError('media_not_found', undefined, {}, { cause: error });
    throw error;
  }
}

/** Why there is no answer, if that can still be said. */
function sendError(log: Logger, { request, response }: Exchange, error: unknown): number {
  // A viewer who leaves in the middle of a segment is no failure.
  if (response.destroyed || request.destroyed || (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE') return 0;
  const known = error instanceof HoldfastError ? error : new HoldfastError('internal');
  if (known.code === 'internal') log.error({ reason: String(error) }, 'playback request failed');
  if (response.headersSent) {
    response.destroy();
    return 0;
  }
  return sendWhole({ request, response }, errorAnswer(known));
}
