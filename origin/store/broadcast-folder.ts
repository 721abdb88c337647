import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isTemporary, type Disk } from './disk.js';

const JOURNAL_FILE = 'journal.jsonl';
const SUMMARY_FILE = 'summary.json';

/** Names of files under a broadcast's folder; nothing else is ever read or served from there. */
export const segmentFile = (msn: number): string => `${msn}.m4s`;

/** A second run of one epoch (the origin was restarted before any media came) gets a name of its own: init URIs are never reused. */
export const initFile = (epoch: number, repeat: number): string => `init-${epoch}${repeat > 0 ? `-${repeat}` : ''}.mp4`;

/** Where one broadcast's files lie: `<media>/<broadcastId>/<rendition>/<file>`. */
export class BroadcastFolder {
  readonly path: string;
  readonly #disk: Disk;

  constructor(mediaDir: string, broadcastId: string, disk: Disk) {
    this.path = join(mediaDir, broadcastId);
    this.#disk = disk;
  }

  get journal(): string {
    return join(this.path, JOURNAL_FILE);
  }

  /** Written at the end of the broadcast. */
  get summary(): string {
    return join(this.path, SUMMARY_FILE);
  }

  folderOf(rendition: string): string {
    return join(this.path, rendition);
  }

  file(rendition: string, name: string): string {
    return join(this.path, rendition, name);
  }

  async create(renditions: readonly string[]): Promise<void> {
    await mkdir(this.path, { recursive: true });
    for (const rendition of renditions) await mkdir(join(this.path, rendition), { recursive: true });
    await this.#disk.syncFolder(renditions.length > 0 ? this.path : dirname(this.path));
  }

  async write(rendition: string, name: string, bytes: Buffer): Promise<void> {
    await this.#disk.write(this.file(rendition, name), bytes);
  }

  /** Removes what an interrupted write left behind. */
  async removeTemporaries(): Promise<void> {
    for (const entry of await readdir(this.path, { recursive: true })) {
      if (isTemporary(entry)) await rm(join(this.path, entry), { force: true });
    }
  }
}
