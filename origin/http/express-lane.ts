import { HoldfastError } from '../../domain/errors.js';
import { mediaPlaylist, multivariantPlaylist, type RenderedPlaylist } from '../playlists.js';
import type { OpenLine } from '../store/journal-lines.js';
import { holdMultivariant, holdPart, holdPlaylist, playlistCaching, takesDirectives, type Hold } from './blocking.js';
import { cacheControl } from './cache-control.js';
import type { PlaybackOptions } from './playback-handler.js';
import { TargetReader, type PlaybackTarget } from './playback-target.js';
import type { PlaybackRoute } from './playback-route.js';
import { assetAnswer, errorAnswer, mediaHeaders, playlistAnswer } from './whole-answers.js';
import { wireOf, type Wire } from './wire.js';

export type LaneAnswer = { kind: string } & ({ wire: Wire } | { hold: Hold; answer: () => Wire });

/** Answers from memory, now or when they are there. */
export interface Lane {
  /** null = not for this lane. Throws HoldfastError. */
  find(target: string, gzip: boolean): LaneAnswer | null;
}

type RouteOf<K extends PlaybackRoute['kind']> = Extract<PlaybackRoute, { kind: K }>;

/** Errors are few: one wire each, as long as the process lives. */
const errorSources = new Map<string, object>();

export function errorWire(error: HoldfastError): Wire {
  const key = `${error.code}/${error.message}`;
  const source = errorSources.get(key) ?? {};
  errorSources.set(key, source);
  return wireOf(source, '', () => errorAnswer(error));
}

/**
 * What live viewers ask for over and over, answered from memory and with buffers they share: playlists, parts, newest
 * segments, page. A viewer with parts of 0.2 s makes twenty requests a second; node:http's own work for each of them
 * costs more than everything else the origin does.
 */
export class ExpressLane implements Lane {
  #options: PlaybackOptions;
  #targets = new TargetReader();

  constructor(options: PlaybackOptions) {
    this.#options = options;
  }

  /** null = not for this lane: signed, on disk, or rarely asked for. Throws HoldfastError. */
  find(text: string, gzip: boolean): LaneAnswer | null {
    const target = this.#targets.read(text);
    const { route } = target;
    switch (route?.kind) {
      case 'playlist':
        return this.#playlist(route, target, gzip);
      case 'part':
        return this.#part(route);
      case 'media':
        return this.#media(route);
      case 'multivariant':
        return this.#multivariant(route, target.waits, gzip);
      case 'broadcast':
        return null;
      case 'player':
        return this.#asset('player', this.#options.assets.player);
      case 'asset':
        return this.#asset('asset', this.#options.assets.named(route.name));
      default:
        throw new HoldfastError('not_found');
    }
  }

  #playlist(route: RouteOf<'playlist'>, { directives }: PlaybackTarget, gzip: boolean): LaneAnswer | null {
    const { rendition, playlist: kind } = route;
    const open = this.#open(route);
    const history = this.#options.broadcasts.loaded(open.broadcastId);
    if (open.playbackPolicy !== 'public' || !history) return null;
    const isLive = kind === 'index' && takesDirectives(history);
    const hold = isLive ? holdPlaylist(history, rendition, directives) : null;
    const given = isLive && !('reason' in directives) ? directives : null;
    const answer = (): Wire => {
      if (!history.playableRun) throw new HoldfastError('not_playable_yet');
      const playlist = mediaPlaylist(history, rendition, kind, '', given?.skip);
      if (!playlist) throw new HoldfastError('media_not_found');
      return this.#playlistWire(playlist, gzip, playlistCaching(history, given));
    };
    return hold ? { kind: route.kind, hold, answer } : { kind: route.kind, wire: answer() };
  }

  #part(route: RouteOf<'part'>): LaneAnswer | null {
    const open = this.#open(route);
    if (open.playbackPolicy !== 'public') return null;
    const { parts, broadcasts } = this.#options;
    const path = broadcasts.mediaPath(route.broadcastId, route.rendition, route.file);
    const find = (): Wire | null => {
      const part = parts.get(path);
      return part ? this.#mediaWire(part, part.bytes, route.rendition, cacheControl('segment', false), part.at) : null;
    };
    const wire = find();
    if (wire) return { kind: route.kind, wire };
    const hold = holdPart(parts, broadcasts.loaded(route.broadcastId), route.rendition, route.file, path);
    const answer = (): Wire => {
      const complete = find();
      if (!complete) throw new HoldfastError('media_not_found');
      return complete;
    };
    return { kind: route.kind, hold, answer };
  }

  #media(route: RouteOf<'media'>): LaneAnswer | null {
    const open = this.#open(route);
    const { cache, broadcasts } = this.#options;
    const bytes =
      open.playbackPolicy === 'public' ? cache.get(broadcasts.mediaPath(route.broadcastId, route.rendition, route.file)) : undefined;
    if (!bytes) return null;
    return { kind: route.kind, wire: this.#mediaWire(bytes, bytes, route.rendition, cacheControl(route.init ? 'init' : 'segment', false)) };
  }

  #multivariant({ playbackId, kind }: RouteOf<'multivariant'>, waits: boolean, gzip: boolean): LaneAnswer | null {
    const { broadcasts } = this.#options;
    const newest = broadcasts.newestOf(playbackId);
    if (newest && (newest.playbackPolicy !== 'public' || !broadcasts.loaded(newest.broadcastId))) return null;
    const answer = (): Wire => {
      const open = broadcasts.newestOf(playbackId);
      // One that became signed while it was waited for is asked for again, and then by the other way.
      const history = open?.playbackPolicy === 'public' ? broadcasts.loaded(open.broadcastId) : null;
      const playlist = history && multivariantPlaylist(history, '');
      if (!playlist) throw new HoldfastError('not_playable_yet');
      return this.#playlistWire(playlist, gzip, cacheControl('live', false));
    };
    const hold = waits ? holdMultivariant(broadcasts, playbackId) : null;
    return hold ? { kind, hold, answer } : { kind, wire: answer() };
  }

  #asset(kind: string, asset: ReturnType<PlaybackOptions['assets']['named']>): LaneAnswer {
    if (!asset) throw new HoldfastError('not_found');
    return { kind, wire: wireOf(asset, '', () => assetAnswer(asset)) };
  }

  #playlistWire(playlist: RenderedPlaylist, gzip: boolean, caching: string): Wire {
    return wireOf(playlist, `${gzip}/${caching}`, () => playlistAnswer(playlist, gzip, caching));
  }

  #mediaWire(source: object, bytes: Buffer, rendition: string, caching: string, publishedAt?: number): Wire {
    return wireOf(source, '', () => ({
      status: 200,
      headers: { ...mediaHeaders(rendition, caching, publishedAt), 'content-length': bytes.length },
      body: bytes,
    }));
  }

  #open({ playbackId, broadcastId }: { playbackId: string; broadcastId: string }): OpenLine {
    const open = this.#options.broadcasts.find(broadcastId);
    if (open?.playbackId !== playbackId) throw new HoldfastError('media_not_found');
    return open;
  }
}
