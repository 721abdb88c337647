import { LRUCache } from 'lru-cache';
import { HoldfastError } from '../../domain/errors.js';

/**
 * Checks a token for one stream. Resolves with the time (ms of the wall clock) until which the answer holds; rejects
 * with `invalid_credentials`, `token_expired` or `forbidden`, or with `database_unavailable` when nobody can tell.
 */
export type VerifyPlaybackToken = (token: string, streamId: string) => Promise<{ validUntil: number }>;

/**
 * A token is checked again after this time. With what an API key is remembered (access/api-key-cache.ts) and what a viewer
 * process or a cache in front remembers of an answer (ACCESS_SECONDS), a revoked key stops its viewers within a minute.
 */
const RECHECK_AFTER_MS = 20_000;
/** Viewers whose tokens are remembered. */
const MAX_REMEMBERED = 50_000;

/** Lets viewers in, or does not. */
export interface Access {
  /** True when the token was found good a moment ago: nothing has to be waited for. Throws `token_expired`. */
  knows(token: string | null, streamId: string): boolean;
  /** Throws `unauthenticated` without a token, and what the check throws. */
  check(token: string | null, streamId: string): Promise<void>;
}

/** Whoever asks has checked the viewers' tokens. */
export const CHECKED_BEFORE: Access = { knows: () => true, check: () => Promise.resolve() };

interface Verified {
  validUntil: number;
  checkedAt: number;
}

/** Who may watch a signed stream. Remembers good tokens, so that a viewer costs one check and not one per segment. */
export class ViewerAccess implements Access {
  #verify: VerifyPlaybackToken;
  #verified = new LRUCache<string, Verified>({ max: MAX_REMEMBERED });
  /** Of a token that many requests came with at once. */
  #checks = new Map<string, Promise<void>>();

  constructor(verify: VerifyPlaybackToken) {
    this.#verify = verify;
  }

  knows(token: string | null, streamId: string, now = Date.now()): boolean {
    if (token === null) return false;
    const known = this.#verified.get(`${streamId}/${token}`);
    if (known && now >= known.validUntil) throw new HoldfastError('token_expired');
    return known !== undefined && now - known.checkedAt < RECHECK_AFTER_MS;
  }

  async check(token: string | null, streamId: string, now = Date.now()): Promise<void> {
    if (!token) throw new HoldfastError('unauthenticated', 'This stream is signed: add ?token=<playback token> to the address.');
    if (this.knows(token, streamId, now)) return;
    const key = `${streamId}/${token}`;
    const running = this.#checks.get(key);
    if (running) return running;
    const check = this.#check(key, token, streamId, now).finally(() => this.#checks.delete(key));
    this.#checks.set(key, check);
    return check;
  }

  async #check(key: string, token: string, streamId: string, now: number): Promise<void> {
    const known = this.#verified.get(key);
    try {
      const { validUntil } = await this.#verify(token, streamId);
      this.#verified.set(key, { validUntil, checkedAt: now });
    } catch (error) {
      // Nobody can say that it is no longer valid: who was let in stays in.
      if (known && error instanceof HoldfastError && error.kind.fault === 'dependency') return;
      this.#verified.delete(key);
      throw error;
    }
  }
}
