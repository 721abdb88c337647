import type { Logger } from '../../platform/log/logger.js';

/** A flood of bad peers must not become a flood of lines. */
const WINDOW_MS = 1000;

/** One kind of line at most once a second; the rest is counted into the next one. */
export class LogBudget {
  readonly #log: Logger;
  readonly #message: string;
  #held = 0;
  #latest: Record<string, unknown> = {};
  #window: NodeJS.Timeout | null = null;

  constructor(log: Logger, message: string) {
    this.#log = log;
    this.#message = message;
  }

  warn(fields: Record<string, unknown>): void {
    if (this.#window) {
      this.#held += 1;
      this.#latest = fields;
      return;
    }
    this.#log.warn(fields, this.#message);
    this.#window = setTimeout(() => this.#close(), WINDOW_MS).unref();
  }

  #close(): void {
    this.#window = null;
    if (this.#held === 0) return;
    this.#log.warn({ ...this.#latest, more: this.#held }, this.#message);
    this.#held = 0;
  }
}
