import { setTimeout as delay } from 'node:timers/promises';
import { HoldfastError } from '../../domain/errors.js';
import type { Logger } from '../../platform/log/logger.js';

const FIRST_PAUSE_MS = 200;
/** Temporal coming back is noticed within this. */
const MAX_PAUSE_MS = 5000;

/** One thing to tell a workflow; must be safe to repeat. */
export interface Delivery {
  what: string;
  send(): Promise<void>;
  /** It can never be delivered: a HoldfastError that is not retryable. */
  refused?(error: HoldfastError): void;
}

/**
 * What one publish has to tell its workflow, in order, each until it is delivered: media goes on while Temporal is
 * away, and the workflow hears of it afterwards.
 */
export class SignalOutbox {
  readonly #log: Logger;
  #queue: Promise<void> = Promise.resolve();
  #pending = 0;
  readonly #abandon = new AbortController();

  constructor(log: Logger) {
    this.#log = log;
  }

  get pending(): number {
    return this.#pending;
  }

  push(delivery: Delivery): void {
    this.#pending += 1;
    this.#queue = this.#queue
      .then(() => this.#deliver(delivery))
      .finally(() => {
        this.#pending -= 1;
      });
  }

  /** Resolves when everything pushed so far is delivered or abandoned. */
  settled(): Promise<void> {
    return this.#queue;
  }

  /** Gives up: the process ends. */
  abandon(): void {
    this.#abandon.abort();
  }

  async #deliver({ what, send, refused }: Delivery): Promise<void> {
    let failures = 0;
    while (!this.#abandon.signal.aborted) {
      try {
        await send();
        if (failures > 0) this.#log.info({ what, failures }, 'signal delivered after failures');
        return;
      } catch (error) {
        if (error instanceof HoldfastError && !error.kind.retryable) {
          this.#log.warn({ what, code: error.code }, 'signal refused for good');
          refused?.(error);
          return;
        }
        failures += 1;
        const reason = error instanceof Error ? error.message : String(error);
        if (failures === 1) this.#log.warn({ what, reason }, 'signal not delivered yet; trying again');
        await this.#pause(failures);
      }
    }
    this.#log.error({ what }, 'signal given up: the ingest is shutting down');
  }

  async #pause(failures: number): Promise<void> {
    const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
    try {
      await delay(pauseMs, undefined, { signal: this.#abandon.signal });
    } catch (error) {
      if (!this.#abandon.signal.aborted) throw error;
    }
  }
}
