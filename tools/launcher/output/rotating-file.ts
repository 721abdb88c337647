import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Ten processes at four files of this size are at most 400 MB of logs. */
const MAX_BYTES = 10 * 1024 * 1024;
/** Besides the present one: name.log.1 (newest) to name.log.3. */
const KEPT_FILES = 3;

/** Appends lines to a file and starts a new one when it is full. Logs are written at once, so a crash loses none. */
export class RotatingFile {
  readonly #path: string;
  readonly #maxBytes: number;
  #bytes: number | null = null;

  constructor(path: string, maxBytes = MAX_BYTES) {
    this.#path = path;
    this.#maxBytes = maxBytes;
  }

  /** A log that cannot be written (disk full) must not stop the processes it is about: the line is lost to the file. */
  append(line: string): void {
    try {
      this.#bytes ??= this.#open();
      const text = `${line}\n`;
      appendFileSync(this.#path, text);
      this.#bytes += Buffer.byteLength(text);
      if (this.#bytes >= this.#maxBytes) this.#rotate();
    } catch {
      this.#bytes = null;
    }
  }

  #open(): number {
    mkdirSync(dirname(this.#path), { recursive: true });
    return statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
  }

  #rotate(): void {
    for (let number = KEPT_FILES; number >= 1; number--) {
      const older = number === 1 ? this.#path : `${this.#path}.${number - 1}`;
      if (statSync(older, { throwIfNoEntry: false })) renameSync(older, `${this.#path}.${number}`);
    }
    this.#bytes = 0;
  }
}
