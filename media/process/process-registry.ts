import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stopFfmpeg } from './ffmpeg-process.js';
import type { ProcessIdentity } from './process-identity.js';

/** One running ffmpeg, as the next media worker finds it. */
export interface ProcessRecord {
  process: ProcessIdentity;
  logPath: string;
}

/** Ids of this system, joined by dots; nothing that could leave the folder. */
const FILE_ID = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

/**
 * Processes of this host, one file each: what survives a killed media worker. Written temp + rename, so a reader sees a
 * whole record or none.
 */
export class ProcessRegistry<T extends ProcessRecord> {
  readonly dir: string;
  readonly #idOf: (record: T) => string;

  constructor(dir: string, idOf: (record: T) => string) {
    this.dir = dir;
    this.#idOf = idOf;
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

  async write(record: T): Promise<void> {
    await mkdir(this.dir, { recursive: true });
    const path = this.#path(this.#idOf(record));
    await writeFile(`${path}.tmp`, JSON.stringify(record));
    await rename(`${path}.tmp`, path);
  }

  async remove(id: string): Promise<void> {
    await rm(this.#path(id), { force: true });
  }

  forget(record: T): Promise<void> {
    return this.remove(this.#idOf(record));
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
        await this.remove(this.#idOf(record));
        return wasRunning;
      }),
    );
    return stopped.filter(Boolean).length;
  }
}
