/** Callers that are held until something has happened; each is dropped when its time is over or it has gone. */
export class Waiters {
  #looks = new Set<() => void>();

  /** Resolves once `happened` is true, `timeoutMs` are over or `gone` is aborted. Rejects never. */
  wait(happened: () => boolean, timeoutMs: number, gone: AbortSignal): Promise<void> {
    if (happened() || gone.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        gone.removeEventListener('abort', done);
        this.#looks.delete(look);
        resolve();
      };
      const look = (): void => {
        if (happened()) done();
      };
      const timer = setTimeout(done, timeoutMs);
      gone.addEventListener('abort', done);
      this.#looks.add(look);
    });
  }

  /** Something has happened: everyone looks again. */
  wake(): void {
    for (const look of [...this.#looks]) look();
  }

  get size(): number {
    return this.#looks.size;
  }
}
