import type { Logger } from '../../platform/log/logger.js';

/** Who can be asked about; `compare` rejects when no answer comes. */
export interface Comparable {
  compare(): Promise<void>;
}

export interface BeliefRoundsOptions<T extends Comparable> {
  /** Those whose media is known. */
  publishers(): Iterable<T>;
  /** Milliseconds between two questions about one publisher, give or take a fifth. */
  periodMs: number;
  /** Milliseconds since 1970, or since any other moment. */
  clock(): number;
  log: Logger;
}

/** Publishers that came at once must not be asked about at once for ever. */
const SPREAD = 0.2;
/** Questions on their way at once: all of a full host are asked in seconds, and no server feels it. */
const MAX_ASKING = 8;

/**
 * Compares, again and again, what is with what workflows believe (PublishSession.compare): a belief that went wrong, by
 * whatever mishap, is put right within a period. Nothing waits for it.
 */
export class BeliefRounds<T extends Comparable> {
  readonly #options: BeliefRoundsOptions<T>;
  /** Publisher → when it is asked about next, by the clock. */
  #due = new WeakMap<T, number>();
  readonly #asking = new Set<T>();
  #failing = false;

  constructor(options: BeliefRoundsOptions<T>) {
    this.#options = options;
  }

  /** Asks about those whose time has come, as many as may be on their way at once; to be called several times a second. */
  tick(): void {
    const now = this.#options.clock();
    const due: { publisher: T; at: number }[] = [];
    for (const publisher of this.#options.publishers()) {
      const at = this.#due.get(publisher) ?? this.#later(publisher, now);
      if (at <= now && !this.#asking.has(publisher)) due.push({ publisher, at });
    }
    due.sort((one, other) => one.at - other.at);
    for (const { publisher } of due.slice(0, MAX_ASKING - this.#asking.size)) this.#ask(publisher);
  }

  /** Everyone's time has come. */
  hurry(): void {
    this.#due = new WeakMap();
    for (const publisher of this.#options.publishers()) this.#due.set(publisher, 0);
  }

  #ask(publisher: T): void {
    const { log } = this.#options;
    this.#asking.add(publisher);
    this.#later(publisher, this.#options.clock());
    publisher
      .compare()
      .then(
        () => {
          if (this.#failing) log.info('workflows answer again');
          this.#failing = false;
        },
        (error: unknown) => {
          const reason = error instanceof Error ? error.message : String(error);
          if (!this.#failing) log.warn({ reason }, 'a workflow did not say what it believes; it is asked again');
          this.#failing = true;
        },
      )
      .finally(() => this.#asking.delete(publisher));
  }

  #later(publisher: T, now: number): number {
    const at = now + this.#options.periodMs * (1 - SPREAD + 2 * SPREAD * Math.random());
    this.#due.set(publisher, at);
    return at;
  }
}
