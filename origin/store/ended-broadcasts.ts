import { LRUCache } from 'lru-cache';
import type { BroadcastFolder } from './broadcast-folder.js';
import type { Disk } from './disk.js';
import type { History } from './history.js';
import { Journal } from './journal.js';
import { writeSummary, type BroadcastSummary } from './summary.js';

export interface EndedBroadcastsOptions {
  disk: Disk;
  folderOf: (broadcastId: string) => BroadcastFolder;
  /** Reads all of a broadcast's journal; null = it is gone. */
  readHistory: (broadcastId: string) => Promise<History | null>;
}

/** Ended broadcasts of which is remembered what they are, about a kilobyte each. */
const MAX_SUMMARIES = 5000;
/** Segments of ended broadcasts in memory, about half a kilobyte each: twelve hours of one, or a hundred short ones. */
const MAX_SEGMENTS = 100_000;
/** Counted in segments: what the shortest of them takes beside its segments. */
const LEAST_SEGMENTS = 100;

/** Ended broadcasts, as far as somebody asked for them: what they are, and the segments of those that are being watched. */
export class EndedBroadcasts {
  readonly #options: EndedBroadcastsOptions;
  readonly #summaries = new LRUCache<string, BroadcastSummary>({ max: MAX_SUMMARIES });
  readonly #histories = new LRUCache<string, History>({
    maxSize: MAX_SEGMENTS,
    // One that is longer than all is kept as well, alone.
    sizeCalculation: ({ segments }) => Math.min(MAX_SEGMENTS, LEAST_SEGMENTS + segments.length),
  });
  readonly #reads = new Map<string, Promise<History | null>>();

  constructor(options: EndedBroadcastsOptions) {
    this.#options = options;
  }

  get(broadcastId: string): BroadcastSummary | undefined {
    return this.#summaries.get(broadcastId);
  }

  put(summary: BroadcastSummary): void {
    this.#summaries.set(summary.open.broadcastId, summary);
  }

  /** It was just watched live: it will be watched again. */
  remember(history: History): void {
    this.#histories.set(history.open.broadcastId, history);
  }

  forget(broadcastId: string): void {
    this.#summaries.delete(broadcastId);
    this.#histories.delete(broadcastId);
  }

  loaded(broadcastId: string): History | null {
    return this.#histories.get(broadcastId) ?? null;
  }

  /** Everything the journal says, read once for all who ask. */
  history(broadcastId: string): Promise<History | null> {
    const reading = this.#reads.get(broadcastId) ?? this.#read(broadcastId).finally(() => this.#reads.delete(broadcastId));
    this.#reads.set(broadcastId, reading);
    return reading;
  }

  /** Its files stay until they are deleted by name. */
  async keep(summary: BroadcastSummary): Promise<void> {
    if (summary.keep) return;
    const { disk, folderOf } = this.#options;
    const folder = folderOf(summary.open.broadcastId);
    const journal = await Journal.open(folder.journal, disk);
    try {
      await journal.append({ type: 'keep', keep: true });
      await journal.sync();
    } finally {
      await journal.close();
    }
    const kept = { ...summary, keep: true };
    await writeSummary(folder, disk, kept);
    this.put(kept);
  }

  async #read(broadcastId: string): Promise<History | null> {
    const history = await this.#options.readHistory(broadcastId);
    // It may have been deleted meanwhile.
    if (history && this.#summaries.has(broadcastId)) this.remember(history);
    return history;
  }
}
