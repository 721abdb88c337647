import { randomBytes } from 'node:crypto';
import { access, open, readFile, type FileHandle } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { isRunning, type ProcessIdentity } from './process-identity.js';

/** The values could not be put in place; the process must not go on with what it has. */
export class CannotHideError extends Error {}

/** At least this long, so that a placeholder occurs nowhere else. */
const MIN_PLACEHOLDER_LENGTH = 32;
const HOLD_POLL_MS = 2;
/** ffmpeg parses its arguments within some 50 ms; a busy machine takes longer. */
const HOLD_LIMIT_MS = 10_000;
/** ffmpeg has well under this before it opens anything; a larger mapping is none of its heaps. */
const MAX_REGION_BYTES = 64 << 20;
/** /proc/<pid>/maps (proc_pid_maps(5)): private, writable, backed by no file. */
const ANONYMOUS_REGION = /^([0-9a-f]+)-([0-9a-f]+) rw-p [0-9a-f]+ [0-9a-f:]+ 0\s*(\[heap\]|\[anon.*\])?$/;

/**
 * Options of ffmpeg whose values nobody sees in `ps`. Everybody on a machine may read a process's arguments, and ffmpeg 9
 * takes the parts of an RTMP address from nowhere else (its `-fpre` files no longer reach protocols). So it is started
 * with placeholders, waits after it has parsed them (a global option whose value comes from a pipe), gets the values
 * written over them in its memory (allowed to its parent), and goes on. Linux only.
 */
export class HiddenOptions {
  readonly #values: readonly { name: string; value: string; placeholder: string }[];

  constructor(options: Record<string, string>) {
    this.#values = Object.entries(options).map(([name, value]) => ({ name, value, placeholder: placeholderFor(value) }));
  }

  /** Where ffmpeg waits: global options, the file of `-progress` being the sign that it does. */
  static readonly hold = (progressPath: string): string[] => ['-progress', progressPath, '-/stats_period', 'pipe:3'];

  /** Options of the output, with nothing in them. */
  get placeholders(): string[] {
    return this.#values.flatMap(({ name, placeholder }) => [`-${name}`, placeholder]);
  }

  /** The same in clear. */
  get clear(): string[] {
    return this.#values.flatMap(({ name, value }) => [`-${name}`, value]);
  }

  /**
   * Puts the values in place and lets ffmpeg go on.
   *
   * @param periodSeconds the value of `stats_period` it waits for
   * @throws CannotHideError when this system does not allow it; ffmpeg is still waiting then
   */
  async reveal(process: ProcessIdentity, pipe: Writable, progressPath: string, periodSeconds: number): Promise<void> {
    // The process may end at any time; what matters is said by its log.
    pipe.on('error', () => undefined);
    if (!(await held(process, progressPath))) return;
    if (this.#values.length > 0) await this.#write(process.pid);
    pipe.end(String(periodSeconds));
  }

  async #write(pid: number): Promise<void> {
    try {
      const memory = await open(`/proc/${pid}/mem`, 'r+');
      try {
        await this.#replace(memory, await anonymousRegions(pid));
      } finally {
        await memory.close();
      }
    } catch (error) {
      throw new CannotHideError('The memory of ffmpeg cannot be written', { cause: error });
    }
  }

  async #replace(memory: FileHandle, regions: readonly { start: number; length: number }[]): Promise<void> {
    const missing = new Set(this.#values);
    for (const { start, length } of regions) {
      const { buffer, bytesRead } = await memory.read(Buffer.alloc(length), 0, length, start);
      for (const option of this.#values) {
        const { placeholder, value } = option;
        for (let at = buffer.indexOf(placeholder); at >= 0 && at < bytesRead; at = buffer.indexOf(placeholder, at + 1)) {
          // As long as the placeholder, the rest filled with the zeros that end a string.
          const bytes = Buffer.alloc(placeholder.length);
          bytes.write(value);
          await memory.write(bytes, 0, bytes.length, start + at);
          missing.delete(option);
        }
      }
    }
    if (missing.size > 0) throw new Error(`No trace of ${[...missing].map(({ name }) => name).join(', ')}`);
  }
}

const placeholderFor = (value: string): string => randomBytes(Math.max(MIN_PLACEHOLDER_LENGTH, Buffer.byteLength(value))).toString('hex');

/** Waits until ffmpeg waits; false when it has ended instead. */
async function held(process: ProcessIdentity, progressPath: string): Promise<boolean> {
  const deadline = Date.now() + HOLD_LIMIT_MS;
  while (
    !(await access(progressPath).then(
      () => true,
      () => false,
    ))
  ) {
    if (!isRunning(process)) return false;
    if (Date.now() > deadline) throw new CannotHideError('ffmpeg did not come to the place where it waits');
    await delay(HOLD_POLL_MS);
  }
  return true;
}

async function anonymousRegions(pid: number): Promise<{ start: number; length: number }[]> {
  const lines = (await readFile(`/proc/${pid}/maps`, 'utf8')).split('\n');
  return lines.flatMap((line) => {
    const [, from, to] = ANONYMOUS_REGION.exec(line) ?? [];
    if (from === undefined || to === undefined) return [];
    const start = Number.parseInt(from, 16);
    const length = Number.parseInt(to, 16) - start;
    return length <= MAX_REGION_BYTES ? [{ start, length }] : [];
  });
}
