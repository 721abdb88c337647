import { createHash } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import { rateLimit } from 'express-rate-limit';
import { LRUCache } from 'lru-cache';
import { HoldfastError } from '../../domain/errors.js';
import { networkOf, UNCHECKED, WINDOW_MS } from './rate-limit.js';

/**
 * Credentials checked at once for networks beyond their allowance. Each takes a query: half of the connections to
 * Postgres stay for everybody else.
 */
const CHECKS_AT_ONCE = 4;
/** Credentials that were good are told again without a place in that queue; as digests, so that none lies about in memory. */
const REMEMBERED_CREDENTIALS = 10_000;
const MS_PER_SECOND = 1000;
const UNAUTHENTICATED_STATUS = 401;

/**
 * Counts what had no valid credential, by client network. Whoever has a good one is let in whatever others behind the
 * same address have sent: beyond the allowance wrong credentials are answered 429 instead of 401, and only a few are
 * looked at at a time, so that a flood of them costs no more than that.
 */
export class FailedCredentials {
  readonly #perMinute: number;
  readonly #count: ReturnType<typeof rateLimit>;
  readonly #good = new LRUCache<string, true>({ max: REMEMBERED_CREDENTIALS });
  #checking = 0;

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
    this.#count = rateLimit({
      windowMs: WINDOW_MS,
      limit: perMinute,
      standardHeaders: false,
      legacyHeaders: false,
      validate: UNCHECKED,
      keyGenerator: networkOf,
      handler: (_request, _response, next) => next(new HoldfastError('rate_limited')),
    });
  }

  /** What `verify` returns. Throws what it throws, and `rate_limited` instead once there was too much of that. */
  async check<T>(request: Request, response: Response, verify: () => Promise<T>): Promise<T> {
    const credential = digest(request.headers.authorization ?? '');
    const waits = (await this.#isExhausted(request)) && !this.#good.has(credential);
    if (waits && this.#checking >= CHECKS_AT_ONCE) return this.#refuse(request, response);
    if (waits) this.#checking += 1;
    try {
      const verified = await verify();
      this.#good.set(credential, true);
      return verified;
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.kind.status !== UNAUTHENTICATED_STATUS) throw error;
      this.#good.delete(credential);
      await this.#add(request, response);
      throw error;
    } finally {
      if (waits) this.#checking -= 1;
    }
  }

  async #isExhausted(request: Request): Promise<boolean> {
    const known = await this.#count.getKey(networkOf(request));
    return known !== undefined && known.totalHits >= this.#perMinute;
  }

  async #add(request: Request, response: Response): Promise<void> {
    const counted = new Promise<void>((resolve, reject) => {
      const next = (error?: unknown): void => (error instanceof Error ? reject(error) : resolve());
      void (this.#count as RequestHandler)(request, response, next);
    });
    await counted.catch(() => this.#refuse(request, response));
  }

  async #refuse(request: Request, response: Response): Promise<never> {
    const resetTime = (await this.#count.getKey(networkOf(request)))?.resetTime?.getTime() ?? Date.now() + WINDOW_MS;
    response.set('retry-after', String(Math.max(1, Math.ceil((resetTime - Date.now()) / MS_PER_SECOND))));
    throw new HoldfastError('rate_limited');
  }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('base64');
