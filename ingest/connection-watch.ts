import { type ConnectionAge, type IngestLimits, overdue, type Overdue } from './limits.js';

/** How often limits are looked at: well below the shortest of them. */
const WATCH_MS = 250;
/** When the process itself stood still, bytes wait unread, and silence proves nothing. */
const STALLED_MS = 1000;

export interface ConnectionWatchOptions<T> {
  connections(): Iterable<T>;
  ageOf(connection: T, now: number): ConnectionAge;
  limits: IngestLimits;
  /** It has to go. */
  overdue(connection: T, late: Overdue): void;
  /** The process stood still and goes on: whoever waited for it may have drawn conclusions. */
  awoke(stoodStillMs: number): void;
  /** Several times a second, after all of that. */
  tick(): void;
}

/** Looks at every connection again and again, and notices when it could not. */
export class ConnectionWatch<T> {
  readonly #options: ConnectionWatchOptions<T>;
  readonly #timer: NodeJS.Timeout;
  #watchedAt = Date.now();

  constructor(options: ConnectionWatchOptions<T>) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), WATCH_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { awoke, tick } = this.#options;
    const now = Date.now();
    const sinceMs = now - this.#watchedAt;
    this.#watchedAt = now;
    if (sinceMs > WATCH_MS + STALLED_MS) awoke(sinceMs);
    else this.#endOverdue(now);
    tick();
  }

  #endOverdue(now: number): void {
    const { connections, ageOf, limits } = this.#options;
    for (const connection of connections()) {
      const late = overdue(ageOf(connection, now), limits);
      if (late) this.#options.overdue(connection, late);
    }
  }
}
