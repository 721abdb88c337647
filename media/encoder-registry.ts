import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stopEncoder } from './encoder-process.js';
import type { ProcessIdentity } from './process-identity.js';

/** One running encoder, as the next media worker finds it. */
export interface EncoderRecord {
  broadcastId: string;
  publishId: string;
  epoch: number;
  process: ProcessIdentity;
  logPath: string;
}

const BROADCAST_ID = /^[A-Za-z0-9_-]+$/;

/**
 * The encoders of this host, one file each: what survives a killed media worker. Written temp + rename, so a reader
 * sees a whole record or none.
 */
export class EncoderRegistry {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  #path(broadcastId: string): string {
    if (!BROADCAST_ID.test(broadcastId)) throw new Error('Not a broadcast id');
    return join(this.#dir, `${broadcastId}.json`);
  }

  async read(broadcastId: string): Promise<EncoderRecord | null> {
    try {
      return JSON.parse(await readFile(this.#path(broadcastId), 'utf8')) as EncoderRecord;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  async write(record: EncoderRecord): Promise<void> {
    await mkdir(this.#dir, { recursive: true });
    const path = this.#path(record.broadcastId);
    await writeFile(`${path}.tmp`, JSON.stringify(record));
    await rename(`${path}.tmp`, path);
  }

  async remove(broadcastId: string): Promise<void> {
    await rm(this.#path(broadcastId), { force: true });
  }

  async list(): Promise<EncoderRecord[]> {
    const names = await readdir(this.#dir).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const ids = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
    const records = await Promise.all(ids.map((id) => this.read(id)));
    return records.filter((record) => record !== null);
  }
}

/** Ends every encoder written down in `dir`; for the end of the whole installation, not of a worker. */
export async function stopAllEncoders(dir: string): Promise<number> {
  const registry = new EncoderRegistry(dir);
  const stopped = await Promise.all(
    (await registry.list()).map(async (record) => {
      const wasRunning = await stopEncoder(record.process);
      await registry.remove(record.broadcastId);
      return wasRunning;
    }),
  );
  return stopped.filter(Boolean).length;
}
