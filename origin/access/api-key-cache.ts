import { LRUCache } from 'lru-cache';
import type { FindSecret } from '../../platform/auth/basic.js';

/** A secret is looked up again after this time (ms): so long a revoked key, or a new secret, may go unnoticed here. */
export const KNOWN_KEY_MS = 20_000;
/** A key that is made now works for viewers after this time (ms), if they were faster than the database. */
export const UNKNOWN_KEY_MS = 5000;
/** Keys of one installation, some for each app server. */
const MAX_KNOWN = 1000;
/** Apart from the known ones, so that no flood of inventions drives them out. */
const MAX_UNKNOWN = 10_000;
/** An API key is a few dozen characters; what is longer is nobody's, and would only fill memory. */
const MAX_KEY_LENGTH = 200;

/** Secrets of API keys, so that a token costs a signature and not a query: neither a good one nor a bad one. */
export class ApiKeyCache {
  readonly #findSecret: FindSecret;
  readonly #known: LRUCache<string, string>;
  readonly #unknown: LRUCache<string, true>;
  readonly #asked = new Map<string, Promise<string | null>>();

  /** @param findSecret asks the database; what it throws is thrown here, and not remembered */
  constructor(findSecret: FindSecret, perf: { now: () => number } = performance) {
    this.#findSecret = findSecret;
    this.#known = new LRUCache({ max: MAX_KNOWN, ttl: KNOWN_KEY_MS, ttlResolution: 0, perf });
    this.#unknown = new LRUCache({ max: MAX_UNKNOWN, ttl: UNKNOWN_KEY_MS, ttlResolution: 0, perf });
  }

  /** The secret, or null for a key that is unknown or revoked. Whoever asks meanwhile gets the same answer. */
  readonly find = async (apiKey: string): Promise<string | null> => {
    if (apiKey.length > MAX_KEY_LENGTH || this.#unknown.get(apiKey)) return null;
    const known = this.#known.get(apiKey);
    if (known !== undefined) return known;
    const asked = this.#asked.get(apiKey) ?? this.#ask(apiKey);
    this.#asked.set(apiKey, asked);
    return asked;
  };

  async #ask(apiKey: string): Promise<string | null> {
    try {
      const secret = await this.#findSecret(apiKey);
      if (secret === null) this.#unknown.set(apiKey, true);
      else this.#known.set(apiKey, secret);
      return secret;
    } finally {
      this.#asked.delete(apiKey);
    }
  }
}
