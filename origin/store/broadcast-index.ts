import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LRUCache } from 'lru-cache';
import type { Disk } from './disk.js';
import type { OpenLine } from './journal-lines.js';

/** Beside the broadcasts' folders; no broadcast id begins with a dot. */
export const INDEX_FOLDER = '.index';

/** A broadcast of a playback id. */
export interface IndexEntry {
  /** As in its `open` line. */
  at: number;
  broadcastId: string;
}

type Place = Pick<OpenLine, 'playbackId' | 'broadcastId' | 'at'>;

/** Playback ids whose broadcasts are remembered, those with none included. */
const MAX_REMEMBERED = 10_000;

/**
 * Which broadcasts are open, and which ones a playback id has, as empty files: `open/<broadcastId>` and
 * `playback/<playbackId>/<at>-<broadcastId>`. A name is there before the broadcast's folder is, and goes after it has gone, so
 * whatever happens in between, the index names too many and never too few. It may be deleted as a whole: then it is made anew.
 */
export class BroadcastIndex {
  readonly #path: string;
  readonly #disk: Disk;
  /** Newest first. */
  readonly #known = new LRUCache<string, IndexEntry[]>({ max: MAX_REMEMBERED });
  readonly #reads = new Map<string, Promise<IndexEntry[]>>();

  constructor(mediaDir: string, disk: Disk) {
    this.#path = join(mediaDir, INDEX_FOLDER);
    this.#disk = disk;
  }

  get #open(): string {
    return join(this.#path, 'open');
  }

  get #complete(): string {
    return join(this.#path, 'complete');
  }

  #folderOf(playbackId: string): string {
    return join(this.#path, 'playback', playbackId);
  }

  /** Broadcasts that had not ended, and whether every broadcast on disk is in the index. */
  async load(): Promise<{ open: string[]; complete: boolean }> {
    await mkdir(this.#open, { recursive: true });
    const [open, all] = await Promise.all([readdir(this.#open), readdir(this.#path)]);
    return { open, complete: all.includes('complete') };
  }

  /** From now on it is found without a look at the folders of broadcasts. */
  async setComplete(): Promise<void> {
    await Promise.all((await namesIn(join(this.#path, 'playback'))).map((playbackId) => this.#disk.syncFolder(this.#folderOf(playbackId))));
    await this.#disk.syncFolder(join(this.#path, 'playback'));
    await this.#disk.writeSynced(this.#complete, '', this.#path);
  }

  /** A broadcast begins: known by its name from now on, whatever happens next. */
  async addOpen(place: Place): Promise<void> {
    // Who deletes the index need not wait for a stop.
    await mkdir(this.#open, { recursive: true });
    await writeFile(join(this.#open, place.broadcastId), '');
    await this.add(place);
    const folder = this.#folderOf(place.playbackId);
    await Promise.all([this.#open, folder, dirname(folder)].map((path) => this.#disk.syncFolder(path)));
  }

  /** A broadcast that is over, or never was. */
  async closeOpen(broadcastId: string): Promise<void> {
    await rm(join(this.#open, broadcastId), { force: true });
  }

  async add({ playbackId, broadcastId, at }: Place): Promise<void> {
    const folder = this.#folderOf(playbackId);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${at}-${broadcastId}`), '');
    await this.#reads.get(playbackId);
    const known = this.#known.get(playbackId);
    if (!known) return;
    const others = known.filter((entry) => entry.broadcastId !== broadcastId || entry.at > at);
    this.#known.set(playbackId, newestFirst([...others, { at, broadcastId }]));
  }

  async remove({ playbackId, broadcastId, at }: Place): Promise<void> {
    await rm(join(this.#folderOf(playbackId), `${at}-${broadcastId}`), { force: true });
    await this.closeOpen(broadcastId);
    await this.#reads.get(playbackId);
    const known = this.#known.get(playbackId);
    if (known) {
      this.#known.set(
        playbackId,
        known.filter((entry) => entry.broadcastId !== broadcastId),
      );
    }
  }

  /** Newest first; some may be gone. */
  entriesOf(playbackId: string): readonly IndexEntry[] | Promise<readonly IndexEntry[]> {
    const known = this.#known.get(playbackId);
    if (known) return known;
    const reading = this.#reads.get(playbackId) ?? this.#read(playbackId).finally(() => this.#reads.delete(playbackId));
    this.#reads.set(playbackId, reading);
    return reading;
  }

  async #read(playbackId: string): Promise<IndexEntry[]> {
    const names = await namesIn(this.#folderOf(playbackId));
    const entries = newestFirst(names.map(parseName).filter((entry) => entry !== null));
    this.#known.set(playbackId, entries);
    return entries;
  }
}

const newestFirst = (entries: IndexEntry[]): IndexEntry[] => entries.sort((a, b) => b.at - a.at);

function parseName(name: string): IndexEntry | null {
  const match = /^(\d+)-(.+)$/.exec(name);
  return match ? { at: Number(match[1]), broadcastId: match[2]! } : null;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
