import type { IncomingMessage, ServerResponse } from 'node:http';
import { HoldfastError, type ErrorCode } from '../../domain/errors.js';
import { decideReload, isListed, readDirectives } from '../../hls/blocking-reload.js';
import type { HeldRequests } from '../held-requests.js';
import { mediaPlaylist, playlistEdge, type MediaPlaylistKind } from '../playlists.js';
import type { History } from '../store/history.js';
import { cacheControl } from './cache-control.js';
import { sendPlaylist } from './send.js';

/** Target durations a request is held at most; then it is answered with 503 (RFC 8216bis 6.2.5.2). */
export const HOLD_TARGETS = 3;
const MS_PER_SECOND = 1000;

export interface PlaylistOf {
  history: History;
  rendition: string;
  /** Query carried on to every URI. */
  carried: string;
}

/** The live playlist of a broadcast in parts: at once, or when what is asked for is listed. */
export function sendBlocking(
  options: { held: HeldRequests },
  request: IncomingMessage,
  response: ServerResponse,
  playlist: PlaylistOf,
  query: URLSearchParams,
): Promise<number> | number {
  const { history, rendition } = playlist;
  const directives = readDirectives(query);
  if ('reason' in directives) throw new HoldfastError('invalid_request', directives.reason);
  const { msn, part, skip } = directives;
  const signed = history.open.playbackPolicy === 'signed';
  const answer = (): number =>
    answerPlaylist(request, response, playlist, 'index', skip, cacheControl(history.endedAt !== null ? 'ended' : msn === null ? 'live' : 'reload', signed));
  if (msn === null || history.endedAt !== null) return answer();
  const decision = decideReload(directives, playlistEdge(history, rendition), history.lowLatency!.partTarget);
  if (decision.kind === 'refuse') throw new HoldfastError('invalid_request', decision.reason);
  if (decision.kind === 'now') return answer();
  return held(options, response, `${history.open.broadcastId}/${rendition}`, {
    isDue: () => history.endedAt !== null || isListed(msn, part, playlistEdge(history, rendition)),
    answer,
    giveUp: 'reload_timeout',
    limitMs: HOLD_TARGETS * history.runs[0]!.targetDuration * MS_PER_SECOND,
  });
}

export function answerPlaylist(
  request: IncomingMessage,
  response: ServerResponse,
  { history, rendition, carried }: PlaylistOf,
  kind: MediaPlaylistKind,
  skip: boolean,
  caching: string,
): number {
  if (!history.playableRun) throw new HoldfastError('not_playable_yet');
  const playlist = mediaPlaylist(history, rendition, kind, carried, skip);
  if (!playlist) throw new HoldfastError('media_not_found');
  return sendPlaylist(request, response, playlist, caching);
}

export interface Hold {
  isDue: () => boolean;
  answer: () => number | Promise<number>;
  /** What the client hears when the time is over. */
  giveUp: ErrorCode;
  limitMs: number;
}

/** Bytes sent, once something was; a client that goes away is forgotten at once, and this with it. */
export function held({ held: requests }: { held: HeldRequests }, response: ServerResponse, topic: string, hold: Hold): Promise<number> {
  return new Promise((resolve, reject) => {
    requests.hold(topic, {
      response,
      isDue: hold.isDue,
      answer: () => {
        try {
          resolve(hold.answer());
        } catch (error) {
          reject(error as Error);
        }
      },
      giveUp: () => reject(new HoldfastError(hold.giveUp)),
      limitMs: hold.limitMs,
    });
  });
}
