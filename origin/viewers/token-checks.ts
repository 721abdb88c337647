import { LRUCache } from 'lru-cache';
import { ERROR_KINDS, HoldfastError, type ErrorCode } from '../../domain/errors.js';
import { underToken } from '../http/playback-target.js';
import { ACCESS_SECONDS } from '../http/whole-answers.js';
import type { WholeAnswer } from '../http/wire.js';
import type { OriginLink } from './origin-link.js';

/** Viewers whose tokens are remembered. */
const MAX_REMEMBERED = 50_000;
const MS_PER_SECOND = 1000;
/** What a request line can carry. */
const VISIBLE = /^[!-~]+$/;

/** Which tokens are good, as the origin says: it is asked once per token, and again after a while. */
export class TokenChecks {
  readonly #link: Pick<OriginLink, 'ask'>;
  readonly #good = new LRUCache<string, true>({ max: MAX_REMEMBERED, ttl: ACCESS_SECONDS * MS_PER_SECOND });
  readonly #asked = new Map<string, Promise<boolean>>();

  constructor(link: Pick<OriginLink, 'ask'>) {
    this.#link = link;
  }

  knows(token: string, playbackId: string): boolean {
    return this.#good.has(`${playbackId}/${token}`);
  }

  /** False = the origin has nothing of this stream yet, so nobody can tell. Throws why a token is refused, or that nobody answers. */
  check(token: string, playbackId: string): Promise<boolean> {
    const key = `${playbackId}/${token}`;
    const asked = this.#asked.get(key) ?? this.#ask(key, token, playbackId).finally(() => this.#asked.delete(key));
    this.#asked.set(key, asked);
    return asked;
  }

  async #ask(key: string, token: string, playbackId: string): Promise<boolean> {
    if (!VISIBLE.test(token)) throw new HoldfastError('invalid_credentials');
    const answer = await this.#link.ask(underToken(token, `/${playbackId}/access`), false);
    if (answer.status === 204) {
      this.#good.set(key, true);
      return true;
    }
    const error = errorOf(answer);
    if (error.code === 'not_playable_yet') return false;
    throw error;
  }
}

function errorOf({ status, body }: WholeAnswer): HoldfastError {
  try {
    const { code, message } = JSON.parse(body.toString()) as { code: ErrorCode; message: string };
    if (Object.hasOwn(ERROR_KINDS, code)) return new HoldfastError(code, message);
  } catch {
    // No error of ours: said below.
  }
  return new HoldfastError('origin_unavailable', `The origin answered ${status} to the check of a token.`);
}
