/**
 * A process of this host as those see it who wait for its end. They come and go (an activity is cancelled, tried again, or
 * taken over by the workflow's next run); the process goes on, and its end is kept for whoever asks next.
 */
export class HostedRun<End> {
  /** Rejects when it could not be started. */
  readonly end: Promise<End>;
  #resolve!: (end: End) => void;
  #reject!: (error: unknown) => void;
  #isOver = false;
  readonly #unwatched = new AbortController();
  readonly #unwanted = new AbortController();
  #attached = 0;
  #detachedAt = performance.now();
  #heard = false;

  constructor() {
    this.end = new Promise<End>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever is attached hears of it; with nobody there it is no unhandled rejection.
    this.end.catch(() => undefined);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Aborted when nobody has to look after it any more: it has ended, or this worker leaves it to the next one. */
  get unwatched(): AbortSignal {
    return this.#unwatched.signal;
  }

  leave(): void {
    this.#unwatched.abort();
  }

  /** Aborted as soon as somebody has asked for its end: a start that is under way comes to nothing. */
  get unwanted(): AbortSignal {
    return this.#unwanted.signal;
  }

  abandon(): void {
    this.#unwanted.abort();
  }

  attach(): void {
    this.#attached += 1;
    if (this.isOver) this.#heard = true;
  }

  detach(): void {
    this.#attached -= 1;
    this.#detachedAt = performance.now();
  }

  /** For how long nobody has been attached; 0 while somebody is. */
  get detachedMs(): number {
    return this.#attached > 0 ? 0 : performance.now() - this.#detachedAt;
  }

  /** Its end has found somebody to hear it. */
  get isHeard(): boolean {
    return this.#heard;
  }

  finish(end: End): void {
    this.#heard = this.#attached > 0;
    this.#isOver = true;
    this.#resolve(end);
    this.leave();
  }

  fail(error: unknown): void {
    this.#isOver = true;
    this.#reject(error);
    this.leave();
  }
}
