import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const JOURNAL_FILE = 'journal.jsonl';
const TEMPORARY = '.tmp';

/** Names of files under a broadcast's folder; nothing else is ever read or served from there. */
export const segmentFile = (msn: number): string => `${msn}.m4s`;

/** A second run of one epoch (the origin was restarted before any media came) gets a name of its own: init URIs are never reused. */
export const initFile = (epoch: number, repeat: number): string => `init-${epoch}${repeat > 0 ? `-${repeat}` : ''}.mp4`;

/** Where one broadcast's files lie: `<media>/<broadcastId>/<rendition>/<file>`. */
export class BroadcastFolder {
  readonly path: string;

  constructor(mediaDir: string, broadcastId: string) {
    this.path = join(mediaDir, broadcastId);
  }

  get journal(): string {
    return join(this.path, JOURNAL_FILE);
  }

  file(rendition: string, name: string): string {
    return join(this.path, rendition, name);
  }

  async create(renditions: readonly string[]): Promise<void> {
    await mkdir(this.path, { recursive: true });
    for (const rendition of renditions) await mkdir(join(this.path, rendition), { recursive: true });
  }

  /** Readers see the whole file or none: written beside, then renamed. */
  async write(rendition: string, name: string, bytes: Buffer): Promise<void> {
    const target = this.file(rendition, name);
    const temporary = `${target}${TEMPORARY}`;
    try {
      await writeFile(temporary, bytes);
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /** Removes what an interrupted write left behind. */
  async removeTemporaries(): Promise<void> {
    for (const entry of await readdir(this.path, { recursive: true })) {
      if (entry.endsWith(TEMPORARY)) await rm(join(this.path, entry), { force: true });
    }
  }
}
