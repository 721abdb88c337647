import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../domain/errors.js';
import { stopFfmpeg } from './ffmpeg-process.js';
import { isSameProcess, type ProcessIdentity } from './process-identity.js';

/** One running ffmpeg, as the next media worker finds it. */
export interface ProcessRecord {
  process: ProcessIdentity;
  logPath: string;
}

/** Ids of this system, joined by dots; nothing that could leave the folder. */
const FILE_ID = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

interface RegistryKind<T> {
  idOf: (record: T) => string;
  /** Numbers the processes that follow each other under one id. */
  numberOf: (record: T) => number;
}

/**
 * Processes of this host, one file each: what survives a killed media worker. Written temp + rename, so a reader sees a
 * whole record or none. A record is overwritten and removed only by its own process or a later one of the same id.
 */
export class ProcessRegistry<T extends ProcessRecord> {
  readonly dir: string;
  readonly #kind: RegistryKind<T>;

  constructor(dir: string, kind: RegistryKind<T>) {
    this.dir = dir;
    this.#kind = kind;
  }

  #path(id: string): string {
    if (!FILE_ID.test(id)) throw new Error('Not an id of a process record');
    return join(this.dir, `${id}.json`);
  }

  async read(id: string): Promise<T | null> {
    try {
      return JSON.parse(await readFile(this.#path(id), 'utf8')) as T;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  /** @throws HoldfastError `stale_epoch` when a later process of the same id is written down */
  async write(record: T): Promise<void> {
    const { idOf, numberOf } = this.#kind;
    const id = idOf(record);
    const known = await this.read(id);
    if (known && numberOf(known) > numberOf(record)) throw new HoldfastError('stale_epoch');
    await mkdir(this.dir, { recursive: true });
    const path = this.#path(id);
    await writeFile(`${path}.tmp`, JSON.stringify(record));
    await rename(`${path}.tmp`, path);
  }

  async remove(id: string): Promise<void> {
    await rm(this.#path(id), { force: true });
  }

  /** Removes the record of this very process; another's is left alone. */
  async forget(record: T): Promise<void> {
    const { idOf, numberOf } = this.#kind;
    const known = await this.read(idOf(record));
    if (known && numberOf(known) === numberOf(record) && isSameProcess(known.process, record.process)) await this.remove(idOf(record));
  }

  async list(): Promise<T[]> {
    const names = await readdir(this.dir).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const ids = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
    const records = await Promise.all(ids.map((id) => this.read(id)));
    return records.filter((record) => record !== null);
  }

  /** Ends every process written down; for the end of the whole installation, not of a worker. */
  async stopAll(graceMs?: number): Promise<number> {
    const stopped = await Promise.all(
      (await this.list()).map(async (record) => {
        const wasRunning = await stopFfmpeg(record.process, graceMs);
        await this.remove(this.#kind.idOf(record));
        return wasRunning;
      }),
    );
    return stopped.filter(Boolean).length;
  }
}
