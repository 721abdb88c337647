import { HoldfastError, type ErrorCode } from '../../domain/errors.js';
import { decideReload, isListed, type Directives } from '../hls/blocking-reload.js';
import type { Broadcasts } from '../broadcasts.js';
import { waitTopic, type Awaited } from '../held-requests.js';
import { playlistEdge } from '../playlists.js';
import type { History } from '../store/history.js';
import type { PartStore } from '../store/part-store.js';
import { cacheControl } from './cache-control.js';

/** Target durations a request is held at most; then it is answered with 503 (RFC 8216bis 6.2.5.2). */
const HOLD_TARGETS = 3;
const MS_PER_SECOND = 1000;
/** Shorter than what proxies take for a server that hangs. */
const PLAYABLE_LIMIT_MS = 10_000;

/** A request that is answered later. */
export interface Hold extends Awaited {
  /** What the client hears when the time is over. */
  giveUp: ErrorCode;
  limitMs: number;
}

const topicOf = (history: History, rendition: string): string => `${history.open.broadcastId}/${rendition}`;

const limitOf = (history: History): number => HOLD_TARGETS * (history.runs[0]?.targetDuration ?? 0) * MS_PER_SECOND;

/** True when the live playlist of a broadcast takes delivery directives. */
export const takesDirectives = (history: History): boolean => history.edge !== null && history.lowLatency !== null;

/** What is waited for before a live playlist is sent; null = nothing. Throws `invalid_request`. */
export function holdPlaylist(history: History, rendition: string, directives: Directives | { reason: string }): Hold | null {
  if ('reason' in directives) throw new HoldfastError('invalid_request', directives.reason);
  const { msn, part } = directives;
  if (msn === null || history.endedAt !== null) return null;
  const decision = decideReload(directives, playlistEdge(history, rendition), history.lowLatency!.partTarget);
  if (decision.kind === 'refuse') throw new HoldfastError('invalid_request', decision.reason);
  if (decision.kind === 'now') return null;
  return {
    topic: topicOf(history, rendition),
    goal: `${msn}/${part}`,
    isDue: () => history.endedAt !== null || isListed(msn, part, playlistEdge(history, rendition)),
    giveUp: 'reload_timeout',
    limitMs: limitOf(history),
  };
}

/** Waits for the part that comes next. Throws `media_not_found` for any other that is not there. */
export function holdPart(parts: PartStore, history: History | null, rendition: string, file: string, path: string): Hold {
  if (history?.edge?.nextPartName(rendition) !== file) throw new HoldfastError('media_not_found');
  return {
    topic: topicOf(history, rendition),
    goal: file,
    // It may never come: the next encoder has no such rendition.
    isDue: () => parts.get(path) !== undefined || history.edge?.nextPartName(rendition) !== file,
    giveUp: 'media_not_found',
    limitMs: limitOf(history),
  };
}

/** Waits until a broadcast that is open now, or is opened meanwhile, can be played; null = it can. A page that waits need not ask again. */
export function holdMultivariant(broadcasts: Broadcasts, playbackId: string): Hold | null {
  const isDue = (): boolean => broadcasts.newestOpenOf(playbackId)?.status.playable ?? false;
  if (isDue()) return null;
  return { topic: waitTopic(playbackId), goal: 'playable', isDue, giveUp: 'not_playable_yet', limitMs: PLAYABLE_LIMIT_MS };
}

/** @param directives null = the playlist takes none @param signed it is sent because of a viewer's token */
export function playlistCaching({ endedAt }: History, directives: Directives | null, signed: boolean): string {
  if (endedAt !== null) return cacheControl('ended', signed);
  return cacheControl(directives === null || directives.msn === null ? 'live' : 'reload', signed);
}
