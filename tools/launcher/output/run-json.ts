import { rename, rm, writeFile } from 'node:fs/promises';

/** What tools read to find a running Holdfast: `.holdfast/run.json`. */
export interface RunJson {
  api: string;
  rtmp: string;
  playback: string;
  /** null when the Temporal server is someone else's: its UI may be anywhere. */
  temporalUi: string | null;
  temporal: string;
  database: string;
  metrics: string[];
  apiKey: string;
  apiSecret: string;
  /** Process name → pid; a process that is being restarted is missing for that moment. */
  processes: Record<string, number>;
}

const OWNER_ONLY = 0o600;

/** Keeps the file at what was last written; writes never overtake each other, and readers never see half a file. */
export class RunJsonFile {
  readonly #path: string;
  #last: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  write(content: RunJson): Promise<void> {
    return this.#next(async () => {
      const draft = `${this.#path}.tmp`;
      await rm(draft, { force: true });
      await writeFile(draft, `${JSON.stringify(content, null, 2)}\n`, { mode: OWNER_ONLY });
      await rename(draft, this.#path);
    });
  }

  remove(): Promise<void> {
    return this.#next(() => rm(this.#path, { force: true }));
  }

  #next(action: () => Promise<void>): Promise<void> {
    this.#last = this.#last.catch(() => {}).then(action);
    return this.#last;
  }
}
