import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { ERROR_KINDS, HoldfastError } from '../../domain/errors.js';
import type { Logger } from '../../log/logger.js';
import type { Broadcasts } from '../broadcasts.js';
import { waitTopic, type HeldRequests } from '../held-requests.js';
import type { OriginMetrics } from '../metrics.js';
import { multivariantPlaylist } from '../playlists.js';
import type { History } from '../store/history.js';
import type { OpenLine } from '../store/journal-lines.js';
import type { PartStore } from '../store/part-store.js';
import type { SegmentCache } from '../store/segment-cache.js';
import { answerPlaylist, held, HOLD_TARGETS, sendBlocking } from './blocking.js';
import { cacheControl } from './cache-control.js';
import { allowAllOrigins, answerPreflight } from './cors.js';
import { parsePlaybackPath, type PlaybackRoute } from './playback-route.js';
import { sendMedia, sendPlaylist, sendText, type MediaSource } from './send.js';
import type { ViewerAccess } from './viewer-access.js';
import type { WebAsset, WebAssets } from './web-assets.js';

export interface PlaybackServerOptions {
  broadcasts: Broadcasts;
  cache: SegmentCache;
  parts: PartStore;
  held: HeldRequests;
  access: ViewerAccess;
  assets: WebAssets;
  metrics: OriginMetrics;
  log: Logger;
}

/** Seconds a player waits before it asks again for something that is not playable yet. */
const RETRY_AFTER_SECONDS = 1;
/** Players ask every one or two seconds; a connection that is kept longer than that saves a handshake each time. */
const KEEP_ALIVE_MS = 30_000;
const MS_PER_SECOND = 1000;
/** A player that wants to be told rather than to ask again adds this to the query of the multivariant playlist. */
const WAIT_PARAMETER = 'wait';
/** Shorter than what proxies take for a server that hangs. */
const WAIT_LIMIT_MS = 20_000;
/** Both init and segments are ISO base media; Safari and browsers take this type for picture and sound. */
const mediaType = (rendition: string): string => (rendition === 'audio' ? 'audio/mp4' : 'video/mp4');

/** Serves playlists, segments and the player page to viewers. Not listening yet. */
export function createPlaybackServer(options: PlaybackServerOptions): Server {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    // Cut by hand: URL() throws on addresses like `//`, and every part is checked by pattern anyway.
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    const route = parsePlaybackPath(path);
    response.once('close', () => {
      options.metrics.requests.inc({ kind: route?.kind ?? 'unknown', status: response.statusCode });
    });
    allowAllOrigins(response);
    answer(options, request, response, route, new URLSearchParams(query))
      .catch((error: unknown) => sendError(options, request, response, error))
      .then((bytes) => options.metrics.servedBytes.inc(bytes))
      .catch((error: unknown) => options.log.error({ reason: String(error) }, 'playback answer not sent'));
  });
  return server;
}

async function answer(
  options: PlaybackServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  route: PlaybackRoute | null,
  query: URLSearchParams,
): Promise<number> {
  if (request.method === 'OPTIONS') {
    answerPreflight(response);
    return 0;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') throw new HoldfastError('method_not_allowed');
  const token = query.get('token');
  switch (route?.kind) {
    case 'multivariant':
      return query.has(WAIT_PARAMETER)
        ? awaitMultivariant(options, request, response, route.playbackId, token)
        : sendMultivariant(options, request, response, route.playbackId, token);
    case 'playlist':
      return sendMediaPlaylist(options, request, response, route, query);
    case 'media':
      return sendSegment(options, request, response, route, token);
    case 'part':
      return sendPart(options, request, response, route, token);
    case 'player':
      return sendAsset(request, response, options.assets.player);
    case 'asset':
      return sendAsset(request, response, options.assets.named(route.name));
    default:
      throw new HoldfastError('not_found');
  }
}

/** Token of signed playback carried on to every URI; nothing for public streams. */
const carriedQuery = (open: OpenLine, token: string | null): string =>
  open.playbackPolicy === 'signed' && token ? `?token=${encodeURIComponent(token)}` : '';

async function authorize({ access }: PlaybackServerOptions, open: OpenLine, token: string | null): Promise<void> {
  if (open.playbackPolicy === 'signed') await access.check(token, open.streamId);
}

async function sendMultivariant(
  options: PlaybackServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  playbackId: string,
  token: string | null,
): Promise<number> {
  const open = options.broadcasts.newestOf(playbackId);
  if (!open) throw new HoldfastError('not_playable_yet');
  await authorize(options, open, token);
  const history = await options.broadcasts.history(open.broadcastId);
  const playlist = history && multivariantPlaylist(history, carriedQuery(open, token));
  if (!playlist) throw new HoldfastError('not_playable_yet');
  // Never kept without asking again: the next broadcast of the stream shows at the same address.
  return sendPlaylist(request, response, playlist, cacheControl('live', open.playbackPolicy === 'signed'));
}

/** The same, held until there is something to play: a page that waits need not ask again and again. */
async function awaitMultivariant(
  options: PlaybackServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  playbackId: string,
  token: string | null,
): Promise<number> {
  const { broadcasts } = options;
  const open = broadcasts.newestOf(playbackId);
  if (open) await authorize(options, open, token);
  const isDue = (): boolean => {
    const newest = broadcasts.newestOf(playbackId);
    return newest !== null && broadcasts.status(newest.broadcastId).playable;
  };
  const answer = (): Promise<number> => sendMultivariant(options, request, response, playbackId, token);
  if (isDue()) return answer();
  return held(options, response, waitTopic(playbackId), { isDue, answer, giveUp: 'not_playable_yet', limitMs: WAIT_LIMIT_MS });
}

const playlistCaching = ({ endedAt, open }: History): string =>
  cacheControl(endedAt === null ? 'live' : 'ended', open.playbackPolicy === 'signed');

/** The broadcast an address names, if it belongs to the playback id and this viewer may watch it. */
async function openFor(
  options: PlaybackServerOptions,
  { playbackId, broadcastId }: { playbackId: string; broadcastId: string },
  token: string | null,
): Promise<OpenLine> {
  const open = options.broadcasts.find(broadcastId);
  if (!open || open.playbackId !== playbackId) throw new HoldfastError('media_not_found');
  await authorize(options, open, token);
  return open;
}

async function sendMediaPlaylist(
  options: PlaybackServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  route: Extract<PlaybackRoute, { kind: 'playlist' }>,
  query: URLSearchParams,
): Promise<number> {
  const open = await openFor(options, route, query.get('token'));
  const history = await options.broadcasts.history(route.broadcastId);
  if (!history) throw new HoldfastError('not_playable_yet');
  const carried = carriedQuery(open, query.get('token'));
  if (history.edge && history.lowLatency && route.playlist === 'index') {
    return sendBlocking(options, request, response, { history, rendition: route.rendition, carried }, query);
  }
  return answerPlaylist(request, response, { history, rendition: route.rendition, carried }, route.playlist, false, playlistCaching(history));
}

/** A part from memory; the one that comes next is held until all of it is there. */
async function sendPart(
  options: PlaybackServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  route: Extract<PlaybackRoute, { kind: 'part' }>,
  token: string | null,
): Promise<number> {
  const open = await openFor(options, route, token);
  const path = options.broadcasts.folder(route.broadcastId).file(route.rendition, route.file);
  const caching = cacheControl('segment', open.playbackPolicy === 'signed');
  const send = (bytes: Buffer): Promise<number> => sendMedia(request, response, { bytes }, mediaType(route.rendition), caching);
  const bytes = options.parts.get(path);
  if (bytes) return send(bytes);
  const history = await options.broadcasts.history(route.broadcastId);
  if (history?.edge?.nextPartName(route.rendition) !== route.file) throw new HoldfastError('media_not_found');
  const { targetDuration } = history.runs[0] ?? { targetDuration: 0 };
  return held(options, response, `${route.broadcastId}/${route.rendition}`, {
    isDue: () => options.parts.get(path) !== undefined || history.endedAt !== null,
    answer: () => {
      const complete = options.parts.get(path);
      if (!complete) throw new HoldfastError('media_not_found');
      return send(complete);
    },
    giveUp: 'media_not_found',
    limitMs: HOLD_TARGETS * targetDuration * MS_PER_SECOND,
  });
}

async function sendSegment(
  options: PlaybackServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  route: Extract<PlaybackRoute, { kind: 'media' }>,
  token: string | null,
): Promise<number> {
  const open = await openFor(options, route, token);
  const path = options.broadcasts.folder(route.broadcastId).file(route.rendition, route.file);
  const media = await findMedia(options.cache, path);
  if (!media) throw new HoldfastError('media_not_found');
  const caching = cacheControl(route.init ? 'init' : 'segment', open.playbackPolicy === 'signed');
  return sendMedia(request, response, media, mediaType(route.rendition), caching);
}

async function findMedia(cache: SegmentCache, path: string): Promise<MediaSource | null> {
  const bytes = cache.get(path);
  if (bytes) return { bytes };
  try {
    return { path, size: (await stat(path)).size };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function sendAsset(request: IncomingMessage, response: ServerResponse, asset: WebAsset | null): Promise<number> {
  if (!asset) throw new HoldfastError('not_found');
  return sendText(request, response, 200, asset.type, asset.bytes, asset.headers);
}

/** Why it failed, as JSON, with CORS already set: a player on another site can show it. */
function sendError({ log }: PlaybackServerOptions, request: IncomingMessage, response: ServerResponse, error: unknown): number {
  // A viewer who leaves in the middle of a segment is no failure.
  if (response.destroyed || request.destroyed || (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE') return 0;
  const known = error instanceof HoldfastError ? error : new HoldfastError('internal');
  if (known.code === 'internal') log.error({ reason: String(error) }, 'playback request failed');
  if (response.headersSent) {
    response.destroy();
    return 0;
  }
  const headers = {
    'cache-control': cacheControl('error', false),
    ...(known.code === 'not_playable_yet' || ERROR_KINDS[known.code].status === 503 ? { 'retry-after': String(RETRY_AFTER_SECONDS) } : {}),
    ...(known.code === 'method_not_allowed' ? { allow: 'GET, HEAD, OPTIONS' } : {}),
  };
  const body = JSON.stringify({ code: known.code, message: known.message });
  return sendText(request, response, known.kind.status, 'application/json', body, headers);
}
