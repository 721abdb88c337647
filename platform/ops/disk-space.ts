import { statfs } from 'node:fs/promises';
import { Gauge, type Registry } from 'prom-client';
import type { Logger } from '../log/logger.js';

export interface DiskSpaceOptions {
  /** Any folder on the file system to watch; it must exist. */
  folder: string;
  /** Bytes below which it counts as full. */
  minFreeBytes: number;
  registry: Registry;
  log: Logger;
}

/** At 100 Mbit/s of segments 60 MB come in between two looks. */
const LOOK_MS = 5000;
const MIB = 1024 * 1024;

/** How much room a file system has left for users, looked at now and then; what it is full for is the caller's. */
export class DiskSpace {
  readonly #options: DiskSpaceOptions;
  readonly #timer: NodeJS.Timeout;
  #freeBytes = Number.POSITIVE_INFINITY;
  #full = false;

  private constructor(options: DiskSpaceOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.look(), LOOK_MS).unref();
    const registers = [options.registry];
    const free = (): number => this.#freeBytes;
    const full = (): boolean => this.#full;
    new Gauge({
      name: 'holdfast_disk_free_bytes',
      help: 'Free space where the data folder is',
      registers,
      collect() {
        this.set(free());
      },
    });
    new Gauge({
      name: 'holdfast_disk_full',
      help: '1 while the disk counts as full for this process',
      registers,
      collect() {
        this.set(Number(full()));
      },
    });
  }

  static async watch(options: DiskSpaceOptions): Promise<DiskSpace> {
    const space = new DiskSpace(options);
    await space.look();
    return space;
  }

  get isFull(): boolean {
    return this.#full;
  }

  /** A file system that cannot be asked keeps its last answer: whoever writes there will notice. */
  async look(): Promise<void> {
    const { folder, minFreeBytes, log } = this.#options;
    try {
      const { bavail, bsize } = await statfs(folder);
      this.#freeBytes = bavail * bsize;
    } catch (error) {
      log.warn({ folder, reason: error instanceof Error ? error.message : String(error) }, 'free disk space cannot be read');
      return;
    }
    const full = this.#freeBytes < minFreeBytes;
    if (full === this.#full) return;
    this.#full = full;
    const figures = { freeMib: Math.round(this.#freeBytes / MIB), minFreeMib: Math.round(minFreeBytes / MIB) };
    if (full) log.error(figures, 'disk nearly full');
    else log.info(figures, 'disk has room again');
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
