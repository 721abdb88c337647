import { dirname } from 'node:path';
import type { Logger } from '../../platform/log/logger.js';
import type { Disk } from './disk.js';

export interface GroupCommitOptions {
  disk: Disk;
  /** Writes to the journal that everything up to this segment number is safe, and syncs the journal. */
  seal: (msn: number) => Promise<void>;
  log: Logger;
  intervalMs?: number;
}

/**
 * What is written is synced this much (ms) later, together with what came meanwhile: a power cut costs these seconds. Each commit costs a
 * sync per file, one per folder and one for the journal, whatever came; at 5 s, sixteen ladders of four renditions are some fifty a second.
 */
const INTERVAL_MS = 5000;

/** All broadcasts' commits one sync after the other: of the process's four threads for files one at most waits for the platter. */
let turn: Promise<void> = Promise.resolve();

function inTurn(sync: () => Promise<void>): Promise<void> {
  const mine = turn.then(sync);
  turn = mine.catch(() => undefined);
  return mine;
}

/** Makes one broadcast's files survive the loss of power, aside: nobody who watches or sends waits for it. */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #files = new Set<string>();
  #msn = -1;
  #dirty = false;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /** A file was written, and its name. */
  wrote(path: string): void {
    this.#files.add(path);
    this.#soon();
  }

  /** The journal lists this segment; its files were written before. @param msn -1 = something else was written to the journal */
  journalled(msn = -1): void {
    this.#msn = Math.max(this.#msn, msn);
    this.#soon();
  }

  /** Resolves when everything that was written before is safe; rejects with what the disk says. */
  async flush(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const commit = this.#running.catch(() => undefined).then(() => this.#commit());
    this.#running = commit;
    return commit;
  }

  /** Without waiting for the interval: something rare that must not be lost. */
  now(): void {
    this.#flushAside();
  }

  #soon(): void {
    this.#dirty = true;
    this.#timer ??= setTimeout(() => this.#flushAside(), this.#options.intervalMs ?? INTERVAL_MS).unref();
  }

  #flushAside(): void {
    this.flush().catch((error: unknown) => {
      this.#options.log.error({ reason: String(error) }, 'what was written could not be synced; it is tried again');
      this.#soon();
    });
  }

  async #commit(): Promise<void> {
    if (!this.#dirty) return;
    const [files, msn] = [this.#files, this.#msn];
    this.#files = new Set();
    this.#dirty = false;
    const { disk, seal } = this.#options;
    try {
      for (const path of files) await inTurn(() => disk.sync(path));
      for (const folder of new Set([...files].map(dirname))) await inTurn(() => disk.syncFolder(folder));
      await inTurn(() => seal(msn));
    } catch (error) {
      for (const path of files) this.#files.add(path);
      this.#dirty = true;
      throw error;
    }
  }
}
