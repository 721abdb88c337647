interface Waiter {
  number: number;
  resolve: () => void;
  reject: (error: Error) => void;
}

/** Those who wait for something of an encoder or a connection, by key and number; also of one that does not run yet. */
export class Waiters {
  readonly #waiting = new Map<string, Set<Waiter>>();

  /** @param signal whoever waits has given up */
  wait(key: string, number: number, signal: AbortSignal): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const waiting = this.#waiting.get(key) ?? new Set<Waiter>();
      this.#waiting.set(key, waiting);
      const waiter = { number, resolve, reject };
      waiting.add(waiter);
      signal.addEventListener(
        'abort',
        () => {
          this.#drop(key, waiter);
          reject(signal.reason as Error);
        },
        { once: true },
      );
    });
  }

  /** It is there, of this number: whoever waits for it, or for an earlier one, goes on. */
  release(key: string, number: number): void {
    for (const waiter of this.#take(key, number)) waiter.resolve();
  }

  fail(key: string, number: number, error: Error): void {
    for (const waiter of this.#take(key, number)) waiter.reject(error);
  }

  #take(key: string, upTo: number): Waiter[] {
    const taken = [...(this.#waiting.get(key) ?? [])].filter(({ number }) => number <= upTo);
    for (const waiter of taken) this.#drop(key, waiter);
    return taken;
  }

  #drop(key: string, waiter: Waiter): void {
    const waiting = this.#waiting.get(key);
    waiting?.delete(waiter);
    if (waiting?.size === 0) this.#waiting.delete(key);
  }
}
