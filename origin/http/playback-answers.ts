import { HoldfastError } from '../../domain/errors.js';
import type { Broadcasts } from '../broadcasts.js';
import { mediaPlaylist, multivariantPlaylist } from '../playlists.js';
import type { RenderedPlaylist } from '../rendered-playlist.js';
import type { Soon } from '../soon.js';
import type { History } from '../store/history.js';
import type { OpenLine } from '../store/journal-lines.js';
import type { PartStore, StoredPart } from '../store/part-store.js';
import type { SegmentCache } from '../store/segment-cache.js';
import { checkFor } from './address-limits.js';
import { holdMultivariant, holdPart, holdPlaylist, playlistCaching, takesDirectives } from './blocking.js';
import { cacheControl } from './cache-control.js';
import { after, type Asker, type Finder, type Found } from './found.js';
import type { PlaybackRoute, RouteOf } from './playback-route.js';
import { TargetReader, withTokenInFront, type PlaybackTarget } from './playback-target.js';
import type { Access } from './viewer-access.js';
import type { WebAsset, WebAssets } from './web-assets.js';
import { accessAnswer, assetAnswer, mediaHeaders, playlistAnswer, redirectAnswer } from './whole-answers.js';

export interface PlaybackContent {
  broadcasts: Broadcasts;
  cache: SegmentCache;
  parts: PartStore;
  access: Access;
  assets: WebAssets;
}

/** One request: what was asked for, and by whom. */
interface Request {
  target: PlaybackTarget;
  asker: Asker;
}

/** A broadcast this viewer may watch. */
interface Allowed {
  open: OpenLine;
  /** The answer was got with a token: no shared cache may keep it. */
  signed: boolean;
}

/**
 * What viewers get, from memory where it can be: playlists, parts, newest segments and the page are the same buffers for
 * everyone, signed streams included. A token stands in front of the path, so nothing below it names a viewer.
 */
export class PlaybackAnswers implements Finder {
  readonly #content: PlaybackContent;
  readonly #targets = new TargetReader();

  constructor(content: PlaybackContent) {
    this.#content = content;
  }

  find(text: string, asker: Asker): { kind: string; found: Found } {
    const target = this.#targets.read(text);
    if (!target.route) throw new HoldfastError('not_found');
    return { kind: target.route.kind, found: this.#find(target.route, { target, asker }) };
  }

  #find(route: PlaybackRoute, request: Request): Found {
    switch (route.kind) {
      case 'multivariant':
        return this.#multivariant(route, request);
      case 'broadcast':
        return this.#broadcast(route, request);
      case 'playlist':
        return this.#playlist(route, request);
      case 'part':
        return this.#part(route, request);
      case 'media':
        return this.#media(route, request);
      case 'player':
        return this.#player(route, request);
      case 'access':
        return this.#access(route, request);
      case 'asset':
        return assetFound(this.#content.assets.named(route.name));
    }
  }

  #multivariant({ playbackId }: RouteOf<'multivariant'>, request: Request): Found {
    const { broadcasts } = this.#content;
    const newest = (next: (allowed: Allowed) => Found): Found =>
      after(broadcasts.newestOf(playbackId), (open) => {
        if (wantsTokenInFront(open, request)) return redirectFound(request);
        if (!open) throw new HoldfastError('not_playable_yet');
        return this.#allow(open, request, next);
      });
    const answer = (): Found =>
      newest(({ open, signed }) =>
        this.#playable(open, (history) => {
          const playlist = multivariantPlaylist(history);
          if (!playlist) throw new HoldfastError('not_playable_yet');
          // Never kept without asking again: the next broadcast of the stream shows at the same address.
          return playlistFound(playlist, request, cacheControl('live', signed));
        }),
      );
    if (!request.target.waits) return answer();
    const wait = (playable: boolean): Found => {
      const hold = playable ? null : holdMultivariant(broadcasts, playbackId);
      return hold ? { type: 'hold', hold, next: answer } : answer();
    };
    return after(broadcasts.newestOf(playbackId), (open) => {
      if (wantsTokenInFront(open, request)) return redirectFound(request);
      if (!open) return wait(false);
      return this.#allow(open, request, () => after(broadcasts.status(open.broadcastId), ({ playable }) => wait(playable)));
    });
  }

  #broadcast(route: RouteOf<'broadcast'>, request: Request): Found {
    return this.#open(route, request, ({ open, signed }) =>
      this.#playable(open, (history) => {
        const playlist = multivariantPlaylist(history, '');
        if (!playlist) throw new HoldfastError('not_playable_yet');
        return playlistFound(playlist, request, playlistCaching(history, null, signed));
      }),
    );
  }

  #playlist(route: RouteOf<'playlist'>, request: Request): Found {
    const { rendition, playlist: kind } = route;
    const { directives } = request.target;
    return this.#open(route, request, ({ open, signed }) =>
      this.#playable(open, (history) => {
        const isLive = kind === 'index' && takesDirectives(history);
        const hold = isLive ? holdPlaylist(history, rendition, directives) : null;
        const given = isLive && !('reason' in directives) ? directives : null;
        const answer = (): Found => {
          if (!history.playableRun) throw new HoldfastError('not_playable_yet');
          const playlist = mediaPlaylist(history, rendition, kind, given?.skip);
          if (!playlist) throw new HoldfastError('media_not_found');
          return after(playlist, (ready) => playlistFound(ready, request, playlistCaching(history, given, signed)));
        };
        return hold ? { type: 'hold', hold, next: answer } : answer();
      }),
    );
  }

  /** From memory; the one that comes next is held until all of it is there. */
  #part(route: RouteOf<'part'>, request: Request): Found {
    const { rendition, file } = route;
    return this.#open(route, request, ({ open, signed }) => {
      const { parts, broadcasts } = this.#content;
      const path = broadcasts.mediaPath(open.broadcastId, rendition, file);
      const caching = cacheControl('segment', signed);
      const part = parts.get(path);
      if (part) return partFound(part, rendition, caching);
      const answer = (): Found => {
        const complete = parts.get(path);
        if (!complete) throw new HoldfastError('media_not_found');
        return partFound(complete, rendition, caching);
      };
      return { type: 'hold', hold: holdPart(parts, broadcasts.loaded(open.broadcastId), rendition, file, path), next: answer };
    });
  }

  #media(route: RouteOf<'media'>, request: Request): Found {
    return this.#open(route, request, ({ open, signed }) => {
      const { cache, broadcasts } = this.#content;
      const path = broadcasts.mediaPath(open.broadcastId, route.rendition, route.file);
      const caching = cacheControl(route.init ? 'init' : 'segment', signed);
      const bytes = cache.get(path);
      if (bytes) return bytesFound(bytes, bytes, caching, () => mediaHeaders(route.rendition, caching));
      return { type: 'file', path, headers: mediaHeaders(route.rendition, caching) };
    });
  }

  #player({ playbackId }: RouteOf<'player'>, request: Request): Found {
    const page = (): Found => assetFound(this.#content.assets.player);
    if (!request.target.token || request.target.tokenInPath) return page();
    return after(this.#content.broadcasts.newestOf(playbackId), (open) =>
      wantsTokenInFront(open, request) ? redirectFound(request) : page(),
    );
  }

  #access({ playbackId }: RouteOf<'access'>, request: Request): Found {
    return after(this.#content.broadcasts.newestOf(playbackId), (open) => {
      if (!open) throw new HoldfastError('not_playable_yet');
      return this.#checked(open, request, () => ({ type: 'whole', source: this, variant: 'access', render: accessAnswer }));
    });
  }

  /** The broadcast an address names, if it belongs to the playback id and this viewer may watch it. */
  #open(
    place: { playbackId: string; broadcastId: string; kind: PlaybackRoute['kind'] },
    request: Request,
    next: (allowed: Allowed) => Found,
  ): Found {
    return after(this.#content.broadcasts.find(place.broadcastId), (open) => {
      if (open?.playbackId !== place.playbackId) throw new HoldfastError('media_not_found');
      // Media has no addresses in it: it is as good here. What is in a playlist is found below the token only.
      const isMedia = place.kind === 'media' || place.kind === 'part';
      if (!isMedia && wantsTokenInFront(open, request)) return redirectFound(request);
      return this.#allow(open, request, next);
    });
  }

  #allow(open: OpenLine, request: Request, next: (allowed: Allowed) => Found): Found {
    const signed = open.playbackPolicy === 'signed' || request.target.tokenInPath;
    return signed ? this.#checked(open, request, () => next({ open, signed })) : next({ open, signed });
  }

  #checked({ streamId }: OpenLine, { target: { token }, asker }: Request, next: () => Found): Found {
    const { access } = this.#content;
    if (access.knows(token, streamId)) return next();
    return { type: 'pending', ready: checkFor(asker.refusals, () => access.check(token, streamId)).then(next) };
  }

  #playable(open: OpenLine, next: (history: History) => Found): Found {
    const history: Soon<History | null> = this.#content.broadcasts.history(open.broadcastId);
    return after(history, (read) => {
      if (!read) throw new HoldfastError('not_playable_yet');
      return next(read);
    });
  }
}

/** Of a public stream a token in the query says nothing; of one that nobody knows yet it may. */
const wantsTokenInFront = (open: OpenLine | null, { target }: Request): boolean =>
  target.token !== null && target.token !== '' && !target.tokenInPath && open?.playbackPolicy !== 'public';

function redirectFound({ target }: Request): Found {
  const location = withTokenInFront(target);
  return { type: 'whole', source: {}, variant: '', render: () => redirectAnswer(location) };
}

function playlistFound(playlist: RenderedPlaylist, { asker }: Request, caching: string): Found {
  return after<Buffer>(asker.gzip ? playlist.gzip : playlist.plain, (body) => ({
    type: 'whole',
    source: playlist,
    variant: `${asker.gzip}/${caching}`,
    render: () => playlistAnswer(playlist, body, asker.gzip, caching),
  }));
}

const partFound = (part: StoredPart, rendition: string, caching: string): Found =>
  bytesFound(part, part.bytes, caching, () => mediaHeaders(rendition, caching, part.at));

const bytesFound = (source: object, bytes: Buffer, variant: string, headers: () => Record<string, string | number>): Found => ({
  type: 'whole',
  source,
  variant,
  render: () => ({ status: 200, headers: { ...headers(), 'content-length': bytes.length }, body: bytes }),
});

function assetFound(asset: WebAsset | null): Found {
  if (!asset) throw new HoldfastError('not_found');
  return { type: 'whole', source: asset, variant: '', render: () => assetAnswer(asset) };
}
