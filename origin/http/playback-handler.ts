import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HoldfastError } from '../../domain/errors.js';
import type { Logger } from '../../platform/log/logger.js';
import type { Broadcasts } from '../broadcasts.js';
import type { HeldRequests } from '../held-requests.js';
import type { OriginMetrics } from '../metrics.js';
import { mediaPlaylist, multivariantPlaylist } from '../playlists.js';
import type { OpenLine } from '../store/journal-lines.js';
import type { PartStore, StoredPart } from '../store/part-store.js';
import type { SegmentCache } from '../store/segment-cache.js';
import type { AddressLimits } from './address-limits.js';
import { holdMultivariant, holdPart, holdPlaylist, playlistCaching, takesDirectives, type Hold } from './blocking.js';
import { cacheControl } from './cache-control.js';
import { OPEN_TO_ALL, PREFLIGHT } from './cors.js';
import { parseTarget, type PlaybackTarget } from './playback-target.js';
import type { PlaybackRoute } from './playback-route.js';
import { sendError, sendMedia, sendPlaylist, sendWhole, type MediaSource } from './send.js';
import type { ViewerAccess } from './viewer-access.js';
import type { WebAsset, WebAssets } from './web-assets.js';
import { assetAnswer, mediaHeaders } from './whole-answers.js';

export interface PlaybackOptions {
  broadcasts: Broadcasts;
  cache: SegmentCache;
  parts: PartStore;
  held: HeldRequests;
  access: ViewerAccess;
  assets: WebAssets;
  limits: AddressLimits;
  metrics: OriginMetrics;
  log: Logger;
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  target: PlaybackTarget;
}

type RouteOf<K extends PlaybackRoute['kind']> = Extract<PlaybackRoute, { kind: K }>;

/** Answers everything: any method, signed streams, media on disk, HTTP/1.1 and HTTP/2. */
export function createPlaybackHandler(options: PlaybackOptions): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const target = parseTarget(request.url ?? '');
    response.once('close', () => options.metrics.answered(target.route?.kind ?? 'unknown', response.statusCode, 0));
    answer(options, { request, response, target })
      .catch((error: unknown) => sendError(options.log, request, response, error))
      .then((bytes) => options.metrics.served(bytes))
      .catch((error: unknown) => options.log.error({ reason: String(error) }, 'playback answer not sent'));
  };
}

async function answer(options: PlaybackOptions, exchange: Exchange): Promise<number> {
  const { request, response, target } = exchange;
  if (request.method === 'OPTIONS') {
    response.writeHead(204, { ...OPEN_TO_ALL, ...PREFLIGHT }).end();
    return 0;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') throw new HoldfastError('method_not_allowed');
  const { route } = target;
  switch (route?.kind) {
    case 'multivariant':
      return sendMultivariant(options, exchange, route);
    case 'broadcast':
      return sendBroadcast(options, exchange, route);
    case 'playlist':
      return sendMediaPlaylist(options, exchange, route);
    case 'media':
      return sendSegment(options, exchange, route);
    case 'part':
      return sendPart(options, exchange, route);
    case 'player':
      return sendAsset(exchange, options.assets.player);
    case 'asset':
      return sendAsset(exchange, options.assets.named(route.name));
    default:
      throw new HoldfastError('not_found');
  }
}

/** Token of signed playback carried on to every URI; nothing for public streams. */
const carriedQuery = (open: OpenLine, token: string | null): string =>
  open.playbackPolicy === 'signed' && token ? `?token=${encodeURIComponent(token)}` : '';

async function authorize({ access }: PlaybackOptions, open: OpenLine, token: string | null): Promise<void> {
  if (open.playbackPolicy === 'signed') await access.check(token, open.streamId);
}

async function sendMultivariant(options: PlaybackOptions, exchange: Exchange, { playbackId }: RouteOf<'multivariant'>): Promise<number> {
  const { request, response, target } = exchange;
  if (target.waits) await waitForMedia(options, exchange, playbackId);
  const open = options.broadcasts.newestOf(playbackId);
  if (!open) throw new HoldfastError('not_playable_yet');
  await authorize(options, open, target.token);
  const history = await options.broadcasts.history(open.broadcastId);
  const playlist = history && multivariantPlaylist(history, carriedQuery(open, target.token));
  if (!playlist) throw new HoldfastError('not_playable_yet');
  // Never kept without asking again: the next broadcast of the stream shows at the same address.
  return sendPlaylist(request, response, playlist, cacheControl('live', open.playbackPolicy === 'signed'));
}

async function sendBroadcast(
  options: PlaybackOptions,
  { request, response, target }: Exchange,
  route: RouteOf<'broadcast'>,
): Promise<number> {
  const open = await openFor(options, route, target.token);
  const history = await options.broadcasts.history(open.broadcastId);
  const playlist = history && multivariantPlaylist(history, carriedQuery(open, target.token), '');
  if (!history || !playlist) throw new HoldfastError('not_playable_yet');
  return sendPlaylist(request, response, playlist, playlistCaching(history, null));
}

async function waitForMedia(options: PlaybackOptions, exchange: Exchange, playbackId: string): Promise<void> {
  const open = options.broadcasts.newestOf(playbackId);
  if (open) await authorize(options, open, exchange.target.token);
  const hold = holdMultivariant(options.broadcasts, playbackId);
  if (hold) await wait(options, exchange, hold);
}

/** The broadcast an address names, if it belongs to the playback id and this viewer may watch it. */
async function openFor(
  options: PlaybackOptions,
  place: { playbackId: string; broadcastId: string },
  token: string | null,
): Promise<OpenLine> {
  const open = options.broadcasts.find(place.broadcastId);
  if (!open || open.playbackId !== place.playbackId) throw new HoldfastError('media_not_found');
  await authorize(options, open, token);
  return open;
}

async function sendMediaPlaylist(options: PlaybackOptions, exchange: Exchange, route: RouteOf<'playlist'>): Promise<number> {
  const { request, response, target } = exchange;
  const { rendition, playlist: kind } = route;
  const open = await openFor(options, route, target.token);
  const history = await options.broadcasts.history(route.broadcastId);
  if (!history) throw new HoldfastError('not_playable_yet');
  const isLive = kind === 'index' && takesDirectives(history);
  const hold = isLive ? holdPlaylist(history, rendition, target.directives) : null;
  if (hold) await wait(options, exchange, hold);
  if (!history.playableRun) throw new HoldfastError('not_playable_yet');
  const directives = isLive && !('reason' in target.directives) ? target.directives : null;
  const playlist = mediaPlaylist(history, rendition, kind, carriedQuery(open, target.token), directives?.skip);
  if (!playlist) throw new HoldfastError('media_not_found');
  return sendPlaylist(request, response, playlist, playlistCaching(history, directives));
}

/** A part from memory; the one that comes next is held until all of it is there. */
async function sendPart(
  options: PlaybackOptions,
  exchange: Exchange,
  { broadcastId, rendition, file, ...route }: RouteOf<'part'>,
): Promise<number> {
  const { request, response, target } = exchange;
  const open = await openFor(options, { broadcastId, ...route }, target.token);
  const path = options.broadcasts.mediaPath(broadcastId, rendition, file);
  const caching = cacheControl('segment', open.playbackPolicy === 'signed');
  const send = ({ bytes, at }: StoredPart): Promise<number> =>
    sendMedia(request, response, { bytes }, mediaHeaders(rendition, caching, at));
  const part = options.parts.get(path);
  if (part) return send(part);
  await wait(options, exchange, holdPart(options.parts, await options.broadcasts.history(broadcastId), rendition, file, path));
  const complete = options.parts.get(path);
  if (!complete) throw new HoldfastError('media_not_found');
  return send(complete);
}

/** Resolves when what is waited for is there; a client that goes away is forgotten at once, and this with it. */
function wait({ held, limits }: PlaybackOptions, { request, response }: Exchange, hold: Hold): Promise<void> {
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

async function sendSegment(options: PlaybackOptions, exchange: Exchange, route: RouteOf<'media'>): Promise<number> {
  const { request, response, target } = exchange;
  const open = await openFor(options, route, target.token);
  const media = await findMedia(options.cache, options.broadcasts.mediaPath(route.broadcastId, route.rendition, route.file));
  if (!media) throw new HoldfastError('media_not_found');
  const caching = cacheControl(route.init ? 'init' : 'segment', open.playbackPolicy === 'signed');
  return sendMedia(request, response, media, mediaHeaders(route.rendition, caching));
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

function sendAsset({ request, response }: Exchange, asset: WebAsset | null): number {
  if (!asset) throw new HoldfastError('not_found');
  return sendWhole(request, response, assetAnswer(asset));
}
