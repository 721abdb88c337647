/** Commands by what they are about: those with the same key are done one after the other, in the order they came. */
export class Mailboxes {
  readonly #last = new Map<string, Promise<void>>();

  /** Resolves (or rejects) as the command does, once its turn has come. */
  post<T>(key: string, command: () => Promise<T>): Promise<T> {
    const result = (this.#last.get(key) ?? Promise.resolve()).then(command);
    const done = result
      .then(
        () => undefined,
        () => undefined,
      )
      .then(() => {
        if (this.#last.get(key) === done) this.#last.delete(key);
      });
    this.#last.set(key, done);
    return result;
  }
}
