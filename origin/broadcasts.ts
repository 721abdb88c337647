import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BroadcastStatus, OpenBroadcast, OpenBroadcasts } from '../domain/contracts/origin-control.js';
import { HoldfastError } from '../domain/errors.js';
import type { Logger } from '../platform/log/logger.js';
import type { HeldRequests } from './held-requests.js';
import type { OriginMetrics } from './metrics.js';
import { LiveBroadcast } from './packager/live-broadcast.js';
import { describeStatus } from './packager/status.js';
import { BroadcastFolder } from './store/broadcast-folder.js';
import { History } from './store/history.js';
import { Journal, readJournal } from './store/journal.js';
import type { OpenLine } from './store/journal-lines.js';
import type { PartStore } from './store/part-store.js';
import type { SegmentCache } from './store/segment-cache.js';
import { DELETED_PREFIX } from './store/sweep.js';

export interface BroadcastsOptions {
  mediaDir: string;
  socketDir: string;
  cache: SegmentCache;
  parts: PartStore;
  held: HeldRequests;
  /** Seconds of a part, where the frame rate allows it. */
  partDuration: number;
  metrics: OriginMetrics;
  isDiskFull: () => boolean;
  log: Logger;
}

/** What is kept in memory of an ended broadcast; its list of segments is read when somebody asks for it. */
interface EndedBroadcast {
  open: OpenLine;
  status: BroadcastStatus;
  endedAt: number;
  keep: boolean;
}

/** Ended broadcasts whose segment lists stay in memory after they were asked for. */
const MAX_LOADED_HISTORIES = 8;

/** All broadcasts of this host: the open ones, and the ended ones that can still be watched. */
export class Broadcasts {
  #options: BroadcastsOptions;
  #live = new Map<string, LiveBroadcast>();
  #ended = new Map<string, EndedBroadcast>();
  #loaded = new Map<string, History>();
  /** Opening, ending and removing go one after the other per broadcast. */
  #changes = new Map<string, Promise<unknown>>();

  constructor(options: BroadcastsOptions) {
    this.#options = options;
    const { metrics } = options;
    metrics.openBroadcasts.set(0);
  }

  /** Takes up everything that is on disk. A folder that cannot be read is named in the log and left to the sweep. */
  async load(): Promise<void> {
    const { mediaDir, log } = this.#options;
    await mkdir(mediaDir, { recursive: true });
    for (const name of await readdir(mediaDir)) {
      if (name.startsWith(DELETED_PREFIX)) continue;
      try {
        await this.#loadOne(name);
      } catch (error) {
        log.error({ broadcastId: name, reason: String(error) }, 'broadcast on disk cannot be read');
      }
    }
    this.#countOpen();
    log.info({ open: this.#live.size, ended: this.#ended.size }, 'broadcasts taken up from disk');
  }

  /** PUT: idempotent. Of a known broadcast only `keep` can still be set. */
  open(broadcastId: string, { keep = false, ...body }: OpenBroadcast): Promise<BroadcastStatus> {
    return this.#change(broadcastId, async () => {
      const known = this.#live.get(broadcastId);
      const ended = this.#ended.get(broadcastId);
      if (known && keep) await known.keep();
      if (ended && keep) await this.#keepEnded(ended);
      if (known || ended) return this.status(broadcastId);
      const at = Math.max(Date.now(), this.#newestOpenedAt(body.playbackId) + 1);
      const { playbackId, streamId, latency, playbackPolicy } = body;
      const open: OpenLine = { type: 'open', at, broadcastId, playbackId, streamId, latency, playbackPolicy, keep };
      const live = await LiveBroadcast.create(this.#liveOptions(new History(open)));
      this.#live.set(broadcastId, live);
      this.#countOpen();
      return live.status;
    });
  }

  /** Throws `broadcast_ended` or `broadcast_not_found`. */
  live(broadcastId: string): LiveBroadcast {
    const live = this.#live.get(broadcastId);
    if (live) return live;
    throw new HoldfastError(this.#ended.has(broadcastId) ? 'broadcast_ended' : 'broadcast_not_found');
  }

  /** Throws `broadcast_not_found`. */
  status(broadcastId: string): BroadcastStatus {
    const status = this.#live.get(broadcastId)?.status ?? this.#ended.get(broadcastId)?.status;
    if (!status) throw new HoldfastError('broadcast_not_found');
    return status;
  }

  /** All that have not ended. */
  listOpen(): OpenBroadcasts {
    return {
      broadcasts: [...this.#live.values()].map(({ history, status: { broadcastId, epoch, state } }) => {
        return { broadcastId, streamId: history.open.streamId, epoch, state };
      }),
    };
  }

  /** Throws `broadcast_not_found`. */
  async playable(broadcastId: string, timeoutMs: number, gone: AbortSignal): Promise<BroadcastStatus> {
    const live = this.#live.get(broadcastId);
    return live ? live.playable(timeoutMs, gone) : this.status(broadcastId);
  }

  /** Idempotent. Throws `broadcast_not_found`. */
  end(broadcastId: string): Promise<BroadcastStatus> {
    return this.#change(broadcastId, async () => {
      const live = this.#live.get(broadcastId);
      if (!live) return this.status(broadcastId);
      const status = await live.end();
      this.#takeEnded(live.history);
      this.#remember(live.history);
      this.#live.delete(broadcastId);
      this.#countOpen();
      return status;
    });
  }

  /** Forgets a broadcast and deletes its files. Idempotent. */
  remove(broadcastId: string): Promise<void> {
    return this.#change(broadcastId, async () => {
      const { mediaDir, cache } = this.#options;
      const live = this.#live.get(broadcastId);
      this.#live.delete(broadcastId);
      this.#ended.delete(broadcastId);
      this.#loaded.delete(broadcastId);
      this.#countOpen();
      await live?.suspend();
      const folder = join(mediaDir, broadcastId);
      const doomed = join(mediaDir, `${DELETED_PREFIX}${broadcastId}`);
      await rm(doomed, { recursive: true, force: true });
      try {
        // Out of sight in one step; if the process dies while it deletes, the sweep finishes.
        await rename(folder, doomed);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
      await rm(doomed, { recursive: true, force: true });
      cache.deleteUnder(`${folder}/`);
    });
  }

  /** The broadcast a playback id shows: its newest one. */
  newestOf(playbackId: string): OpenLine | null {
    let newest: OpenLine | null = null;
    for (const { open } of this.#all()) {
      if (open.playbackId === playbackId && (!newest || open.at > newest.at)) newest = open;
    }
    return newest;
  }

  /** The newest of a playback id that has not ended. */
  newestOpenOf(playbackId: string): LiveBroadcast | null {
    const open = [...this.#live.values()].filter(({ history }) => history.open.playbackId === playbackId);
    return open.reduce<LiveBroadcast | null>(
      (newest, live) => (newest && newest.history.open.at > live.history.open.at ? newest : live),
      null,
    );
  }

  find(broadcastId: string): OpenLine | null {
    return this.#live.get(broadcastId)?.history.open ?? this.#ended.get(broadcastId)?.open ?? null;
  }

  /** Everything its journal says; of an ended broadcast read from disk. null when it is gone. */
  history(broadcastId: string): History | null | Promise<History | null> {
    const known = this.loaded(broadcastId);
    if (known || !this.#ended.has(broadcastId)) return known;
    return this.#read(broadcastId);
  }

  async #read(broadcastId: string): Promise<History | null> {
    const history = await readJournal(this.folder(broadcastId).journal);
    if (history) this.#remember(history);
    return history;
  }

  /** The same, if it is in memory: of open broadcasts always. */
  loaded(broadcastId: string): History | null {
    return this.#live.get(broadcastId)?.history ?? this.#loaded.get(broadcastId) ?? null;
  }

  /** Where a rendition's file is, or would be; also its name in memory. */
  mediaPath(broadcastId: string, rendition: string, file: string): string {
    return this.folder(broadcastId).file(rendition, file);
  }

  folder(broadcastId: string): BroadcastFolder {
    return new BroadcastFolder(this.#options.mediaDir, broadcastId);
  }

  /** What nobody asked to keep and what has been over, or without any media, since before this time (ms). */
  expiredBefore(timeMs: number): string[] {
    const ended = [...this.#ended].filter(([, { keep, endedAt }]) => !keep && endedAt < timeMs);
    const abandoned = [...this.#live].filter(([, { history }]) => !history.keep && history.lastActivityMs < timeMs);
    return [...ended, ...abandoned].map(([id]) => id);
  }

  has(broadcastId: string): boolean {
    return this.#live.has(broadcastId) || this.#ended.has(broadcastId) || this.#changes.has(broadcastId);
  }

  /** Writes everything that has come in; open broadcasts stay open and wait for the next start. */
  async close(): Promise<void> {
    await Promise.all([...this.#live.values()].map((live) => live.suspend()));
  }

  async #loadOne(broadcastId: string): Promise<void> {
    const history = await readJournal(this.folder(broadcastId).journal);
    if (!history) return;
    if (history.endedAt !== null) this.#takeEnded(history);
    else this.#live.set(broadcastId, await LiveBroadcast.resume(this.#liveOptions(history)));
  }

  #liveOptions(history: History) {
    const { log } = this.#options;
    const { broadcastId, streamId } = history.open;
    return { ...this.#options, history, folder: this.folder(broadcastId), log: log.child({ streamId, broadcastId }) };
  }

  #takeEnded(history: History): void {
    const { open, keep, endedAt } = history;
    this.#ended.set(open.broadcastId, { open, keep, endedAt: endedAt ?? 0, status: describeStatus(history, null) });
  }

  async #keepEnded(ended: EndedBroadcast): Promise<void> {
    if (ended.keep) return;
    const journal = await Journal.open(this.folder(ended.open.broadcastId).journal);
    try {
      await journal.append({ type: 'keep', keep: true });
    } finally {
      await journal.close();
    }
    ended.keep = true;
  }

  #remember(history: History): void {
    this.#loaded.delete(history.open.broadcastId);
    this.#loaded.set(history.open.broadcastId, history);
    for (const oldest of this.#loaded.keys()) {
      if (this.#loaded.size <= MAX_LOADED_HISTORIES) return;
      this.#loaded.delete(oldest);
    }
  }

  *#all(): Iterable<{ open: OpenLine }> {
    for (const { history } of this.#live.values()) yield history;
    yield* this.#ended.values();
  }

  #newestOpenedAt(playbackId: string): number {
    return this.newestOf(playbackId)?.at ?? 0;
  }

  #countOpen(): void {
    this.#options.metrics.openBroadcasts.set(this.#live.size);
  }

  #change<T>(broadcastId: string, work: () => Promise<T>): Promise<T> {
    const before = this.#changes.get(broadcastId) ?? Promise.resolve();
    const result = before.then(work);
    const settled = result
      .then(
        () => undefined,
        () => undefined,
      )
      .then(() => {
        if (this.#changes.get(broadcastId) === settled) this.#changes.delete(broadcastId);
      });
    this.#changes.set(broadcastId, settled);
    return result;
  }
}
