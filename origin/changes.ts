/** Work on things by name: one after the other for each of them, side by side for different ones. */
export class Changes {
  readonly #running = new Map<string, Promise<unknown>>();

  /** Whatever became of the one before. @returns what the work gives, or throws */
  run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#running.get(name) ?? Promise.resolve();
    const result = before.then(work);
    const settled = result
      .then(
        () => undefined,
        () => undefined,
      )
      .then(() => {
        if (this.#running.get(name) === settled) this.#running.delete(name);
      });
    this.#running.set(name, settled);
    return result;
  }
}
