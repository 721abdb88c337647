import { readDirectives, type Directives } from '../hls/blocking-reload.js';
import { parsePlaybackPath, type PlaybackRoute } from './playback-route.js';

/** A request's target, read. */
export interface PlaybackTarget {
  route: PlaybackRoute | null;
  directives: Directives | { reason: string };
  token: string | null;
  /** Of the multivariant playlist: wants to be told when there is something to play, rather than to ask again. */
  waits: boolean;
}

const WAIT_PARAMETER = 'wait';
/** Targets remembered; a live audience asks for a few dozen at a time. */
const REMEMBERED = 2000;

export function parseTarget(target: string): PlaybackTarget {
  // Cut by hand: URL() throws on addresses like `//`, and every part is checked by pattern anyway.
  const [path = '', text = ''] = target.split('?', 2);
  const query = new URLSearchParams(text);
  return { route: parsePlaybackPath(path), directives: readDirectives(query), token: query.get('token'), waits: query.has(WAIT_PARAMETER) };
}

/** Reads a target once: thousands of viewers ask for the same ones. */
export class TargetReader {
  #known = new Map<string, PlaybackTarget>();

  read(target: string): PlaybackTarget {
    const known = this.#known.get(target);
    if (known) return known;
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    const read = parseTarget(target);
    this.#known.set(target, read);
    return read;
  }
}
