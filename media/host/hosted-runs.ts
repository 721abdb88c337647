/** An end that was heard may be asked for once more: its answer was lost, or the workflow goes on in another run. */
const REMEMBER_MS = 120_000;

/** What this host runs, one by one key; what has ended is still known for a while. */
export class HostedRuns<Run extends { leave: () => void }> {
  readonly #runs = new Map<string, Run>();
  readonly #past = new WeakSet<Run>();

  get(key: string): Run | undefined {
    return this.#runs.get(key);
  }

  set(key: string, run: Run): void {
    this.#runs.set(key, run);
  }

  /** Everything that runs, or whose end nobody has heard. */
  get present(): Run[] {
    return [...this.#runs.values()].filter((run) => !this.#past.has(run));
  }

  drop(key: string, run: Run): void {
    if (this.#runs.get(key) === run) this.#runs.delete(key);
  }

  /** Its end is known to whom it concerns. */
  dropLater(key: string, run: Run): void {
    this.#past.add(run);
    setTimeout(() => this.drop(key, run), REMEMBER_MS).unref();
  }

  leave(): void {
    for (const run of this.#runs.values()) run.leave();
  }
}
