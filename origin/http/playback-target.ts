import { readDirectives, type Directives } from '../hls/blocking-reload.js';
import { parsePlaybackPath, type PlaybackRoute } from './playback-route.js';

/** A request's target, read. */
export interface PlaybackTarget {
  /** As they were asked for, without the token in front. */
  path: string;
  query: string;
  route: PlaybackRoute | null;
  directives: Directives | { reason: string };
  token: string | null;
  /** The token stands in front of the path (`/t/<token>/…`), and so in front of every address that is relative to this one. */
  tokenInPath: boolean;
  /** Of the multivariant playlist: wants to be told when there is something to play, rather than to ask again. */
  waits: boolean;
}

/** In front of a token in front of a path. No playback id is named so. */
const TOKEN_FOLDER = '/t/';
/** A request line may name a server as well (RFC 9112, 3.2.2); there is only this one. */
const ABSOLUTE_FORM = /^https?:\/\/[^/?#]*/i;
const WAIT_PARAMETER = 'wait';
/** Targets remembered; a live audience asks for a few dozen at a time. */
const REMEMBERED = 2000;
/** Characters of a target that may be remembered: no player's is longer. */
const REMEMBERED_LENGTH = 500;

/** `/t/<token>/<rest>` apart; without a token everything is rest. */
function splitToken(target: string): { token: string | null; rest: string } {
  if (!target.startsWith(TOKEN_FOLDER)) return { token: null, rest: target };
  const end = target.indexOf('/', TOKEN_FOLDER.length);
  const token = target.slice(TOKEN_FOLDER.length, end < 0 ? 0 : end);
  return token === '' || token.includes('?') ? { token: null, rest: target } : { token, rest: target.slice(end) };
}

const withoutServer = (target: string): string => (target.startsWith('/') ? target : target.replace(ABSOLUTE_FORM, ''));

function parseRest(rest: string): PlaybackTarget {
  // Cut by hand: URL() throws on addresses like `//`, and every part is checked by pattern anyway.
  const [path = '', query = ''] = rest.split('?', 2);
  const parameters = new URLSearchParams(query);
  return {
    path,
    query,
    route: parsePlaybackPath(path),
    directives: readDirectives(parameters),
    token: parameters.get('token'),
    tokenInPath: false,
    waits: parameters.has(WAIT_PARAMETER),
  };
}

export function parseTarget(target: string): PlaybackTarget {
  const { token, rest } = splitToken(withoutServer(target));
  const read = parseRest(rest);
  return token === null ? read : { ...read, token, tokenInPath: true };
}

/** Where a target leads that has its token in front. @returns relative to the address that was asked for, wherever that is mounted */
export function withTokenInFront({ path, query, token }: PlaybackTarget): string {
  const parameters = new URLSearchParams(query);
  parameters.delete('token');
  const up = '../'.repeat(path.split('/').length - 2);
  const rest = parameters.toString();
  return `${up}${TOKEN_FOLDER.slice(1)}${encodeURIComponent(token ?? '')}${path}${rest === '' ? '' : `?${rest}`}`;
}

/** The path of a target with this token in front. */
export const underToken = (token: string, path: string): string => `${TOKEN_FOLDER}${token}${path}`;

/** Reads a target once: thousands of viewers ask for the same ones, each with a token of their own in front. */
export class TargetReader {
  #known = new Map<string, PlaybackTarget>();

  read(target: string): PlaybackTarget {
    const { token, rest } = splitToken(withoutServer(target));
    const read = this.#read(rest);
    return token === null ? read : { ...read, token, tokenInPath: true };
  }

  #read(rest: string): PlaybackTarget {
    const known = this.#known.get(rest);
    if (known) return known;
    const read = parseRest(rest);
    if (rest.length > REMEMBERED_LENGTH) return read;
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    this.#known.set(rest, read);
    return read;
  }
}
