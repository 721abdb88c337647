import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BroadcastStatus, OpenBroadcast, OpenBroadcasts } from '../domain/contracts/origin-control.js';
import { HoldfastError } from '../domain/errors.js';
import type { Logger } from '../platform/log/logger.js';
import { Changes } from './changes.js';
import type { HeldRequests } from './held-requests.js';
import { ID_PATTERN } from './id-pattern.js';
import { indexAll } from './index-all.js';
import type { OriginMetrics } from './metrics.js';
import { LiveBroadcast } from './packager/live-broadcast.js';
import type { Soon } from './soon.js';
import type { BroadcastFolder } from './store/broadcast-folder.js';
import { BroadcastIndex } from './store/broadcast-index.js';
import { Disk } from './store/disk.js';
import { EndedBroadcasts } from './store/ended-broadcasts.js';
import { History } from './store/history.js';
import type { OpenLine } from './store/journal-lines.js';
import type { PartStore } from './store/part-store.js';
import type { SegmentCache } from './store/segment-cache.js';
import { readSummary, type BroadcastSummary } from './store/summary.js';
import { DELETED_PREFIX, type SweptBroadcast } from './store/sweep.js';
import { TakeUp } from './take-up.js';

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
  disk?: Disk;
  /** Names the present start of the machine; null where that cannot be known. */
  boot: string | null;
}

const openLineOf = (known: LiveBroadcast | BroadcastSummary): OpenLine =>
  known instanceof LiveBroadcast ? known.history.open : known.open;

/**
 * All broadcasts of this host: the open ones, and the ended ones that can still be watched. Open ones are taken up at the start, ended
 * ones when somebody asks for them, so that a start takes as long with ten thousand of them as with none.
 */
export class Broadcasts {
  readonly #options: BroadcastsOptions;
  readonly #live = new Map<string, LiveBroadcast>();
  readonly #ended: EndedBroadcasts;
  readonly #index: BroadcastIndex;
  /** Not every broadcast on disk is in the index yet: a playback id's newest is known when this has resolved. */
  #indexing: Promise<void> | null = null;
  readonly #closing = new AbortController();
  /** Opening, ending, removing and taking up go one after the other per broadcast. */
  readonly #changes = new Changes();
  readonly #disk: TakeUp;

  constructor(options: BroadcastsOptions) {
    const disk = options.disk ?? new Disk();
    this.#options = options;
    this.#index = new BroadcastIndex(options.mediaDir, disk);
    this.#disk = new TakeUp({ ...options, disk, index: this.#index });
    this.#ended = new EndedBroadcasts({
      disk,
      folderOf: (broadcastId) => this.folder(broadcastId),
      readHistory: (broadcastId) => this.#disk.readHistory(broadcastId),
    });
    options.metrics.openBroadcasts.set(0);
  }

  /** Takes up the open broadcasts. One that cannot be read is named in the log and tried again when it is asked for. */
  async load(): Promise<void> {
    const { mediaDir, log } = this.#options;
    await mkdir(mediaDir, { recursive: true });
    const { open, complete } = await this.#index.load();
    for (const broadcastId of open.filter((name) => ID_PATTERN.test(name))) {
      await this.#changes
        .run(broadcastId, async () => {
          const known = await this.#takeUp(broadcastId);
          // The process ended before the folder was made, or after the journal was finished.
          if (!(known instanceof LiveBroadcast)) await this.#index.closeOpen(broadcastId);
        })
        .catch((error: unknown) => log.error({ broadcastId, reason: String(error) }, 'broadcast on disk cannot be read'));
    }
    log.info({ open: this.#live.size }, 'open broadcasts taken up from disk');
    if (complete) return;
    const takeUp = async (broadcastId: string): Promise<void> => void (await this.#look(broadcastId));
    const indexing = indexAll({ mediaDir, index: this.#index, signal: this.#closing.signal, log, takeUp });
    this.#indexing = indexing
      .catch((error: unknown) => log.error({ reason: String(error) }, 'broadcasts on disk not indexed'))
      .then(() => void (this.#indexing = null));
  }

  /** PUT: idempotent. Of a known broadcast only `keep` can still be set. */
  open(broadcastId: string, { keep = false, ...body }: OpenBroadcast): Promise<BroadcastStatus> {
    return this.#changes.run(broadcastId, async () => {
      const known = await this.#takeUp(broadcastId);
      if (known && keep) await (known instanceof LiveBroadcast ? known.keep() : this.#ended.keep(known));
      if (known) return known.status;
      const at = Math.max(Date.now(), (await this.#newestAt(body.playbackId)) + 1);
      const { playbackId, streamId, latency, playbackPolicy } = body;
      const open: OpenLine = { type: 'open', at, broadcastId, playbackId, streamId, latency, playbackPolicy, keep };
      await this.#index.addOpen(open);
      const live = await LiveBroadcast.create(this.#disk.liveOptions(new History(open)));
      this.#live.set(broadcastId, live);
      this.#countOpen();
      return live.status;
    });
  }

  /** Throws `broadcast_ended` or `broadcast_not_found`. */
  async live(broadcastId: string): Promise<LiveBroadcast> {
    const known = await this.#look(broadcastId);
    if (known instanceof LiveBroadcast) return known;
    throw new HoldfastError(known ? 'broadcast_ended' : 'broadcast_not_found');
  }

  /** Throws `broadcast_not_found`. */
  status(broadcastId: string): Soon<BroadcastStatus> {
    const known = this.#look(broadcastId);
    return known instanceof Promise ? known.then(statusOf) : statusOf(known);
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
    const known = await this.#look(broadcastId);
    return known instanceof LiveBroadcast ? known.playable(timeoutMs, gone) : statusOf(known);
  }

  /** Idempotent. Throws `broadcast_not_found`. */
  end(broadcastId: string): Promise<BroadcastStatus> {
    return this.#changes.run(broadcastId, async () => {
      const live = await this.#takeUp(broadcastId);
      if (!(live instanceof LiveBroadcast)) return statusOf(live);
      const status = await live.end();
      const { history } = live;
      this.#ended.put(await this.#disk.summarize(history));
      this.#ended.remember(history);
      this.#live.delete(broadcastId);
      this.#countOpen();
      return status;
    });
  }

  /** Forgets a broadcast and deletes its files. Idempotent. */
  remove(broadcastId: string): Promise<void> {
    return this.#changes.run(broadcastId, async () => {
      const { mediaDir, cache, log } = this.#options;
      const known = await this.#takeUp(broadcastId).catch((error: unknown) => {
        log.warn({ broadcastId, reason: String(error) }, 'broadcast cannot be read; its files are deleted all the same');
        return null;
      });
      this.#live.delete(broadcastId);
      this.#ended.forget(broadcastId);
      this.#countOpen();
      if (known instanceof LiveBroadcast) await known.suspend();
      const folder = join(mediaDir, broadcastId);
      const doomed = join(mediaDir, `${DELETED_PREFIX}${broadcastId}`);
      await rm(doomed, { recursive: true, force: true });
      try {
        // Out of sight in one step; if the process dies while it deletes, the sweep finishes.
        await rename(folder, doomed);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
      if (known) await this.#index.remove(openLineOf(known));
      await rm(doomed, { recursive: true, force: true });
      cache.deleteUnder(`${folder}/`);
    });
  }

  /** The broadcast a playback id shows: its newest one. */
  newestOf(playbackId: string): Soon<OpenLine | null> {
    if (this.#indexing) return this.#indexing.then(() => this.newestOf(playbackId));
    const entries = this.#index.entriesOf(playbackId);
    if (entries instanceof Promise) return entries.then(() => this.newestOf(playbackId));
    const [newest] = entries;
    if (!newest) return null;
    const known = this.#known(newest.broadcastId);
    return known ? openLineOf(known) : this.#newestAmong(playbackId);
  }

  /** The newest of a playback id that has not ended. */
  newestOpenOf(playbackId: string): LiveBroadcast | null {
    const open = [...this.#live.values()].filter(({ history }) => history.open.playbackId === playbackId);
    return open.reduce<LiveBroadcast | null>(
      (newest, live) => (newest && newest.history.open.at > live.history.open.at ? newest : live),
      null,
    );
  }

  find(broadcastId: string): Soon<OpenLine | null> {
    const open = (known: LiveBroadcast | BroadcastSummary | null): OpenLine | null => (known ? openLineOf(known) : null);
    const known = this.#look(broadcastId);
    return known instanceof Promise ? known.then(open) : open(known);
  }

  /** Everything its journal says; of an ended broadcast read from disk. null when it is gone. */
  history(broadcastId: string): Soon<History | null> {
    return this.loaded(broadcastId) ?? this.#readHistory(broadcastId);
  }

  /** The same, if it is in memory: of open broadcasts always. */
  loaded(broadcastId: string): History | null {
    return this.#live.get(broadcastId)?.history ?? this.#ended.loaded(broadcastId);
  }

  /** Where a rendition's file is, or would be; also its name in memory. */
  mediaPath(broadcastId: string, rendition: string, file: string): string {
    return this.folder(broadcastId).file(rendition, file);
  }

  folder(broadcastId: string): BroadcastFolder {
    return this.#disk.folder(broadcastId);
  }

  /** What the sweep has to know of a folder; null = it is of no broadcast. Ended ones that nobody asked for stay out of memory. */
  async swept(broadcastId: string): Promise<SweptBroadcast | null> {
    if (!ID_PATTERN.test(broadcastId)) return null;
    const known = this.#known(broadcastId) ?? (await readSummary(this.folder(broadcastId))) ?? (await this.#look(broadcastId));
    if (!known) return null;
    if (!(known instanceof LiveBroadcast)) return { keep: known.keep, lastActivityMs: known.endedAt };
    return { keep: known.history.keep, lastActivityMs: known.history.lastActivityMs };
  }

  /** Writes everything that has come in; open broadcasts stay open and wait for the next start. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#indexing;
    await Promise.all([...this.#live.values()].map((live) => live.suspend()));
  }

  #known(broadcastId: string): LiveBroadcast | BroadcastSummary | null {
    return this.#live.get(broadcastId) ?? this.#ended.get(broadcastId) ?? null;
  }

  /** From memory, or from disk. */
  #look(broadcastId: string): Soon<LiveBroadcast | BroadcastSummary | null> {
    return this.#known(broadcastId) ?? this.#changes.run(broadcastId, () => this.#takeUp(broadcastId));
  }

  /** Within a change. */
  async #takeUp(broadcastId: string): Promise<LiveBroadcast | BroadcastSummary | null> {
    const known = this.#known(broadcastId);
    if (known) return known;
    const found = await this.#disk.find(broadcastId);
    if (!found) return null;
    if (found.kind === 'open') {
      this.#live.set(broadcastId, found.live);
      this.#countOpen();
      return found.live;
    }
    this.#ended.put(found.summary);
    if (found.history) this.#ended.remember(found.history);
    return found.summary;
  }

  /** Wall clock (ms) at which the newest was opened, one that is gone included. */
  async #newestAt(playbackId: string): Promise<number> {
    await this.#indexing;
    return (await this.#index.entriesOf(playbackId))[0]?.at ?? 0;
  }

  async #newestAmong(playbackId: string): Promise<OpenLine | null> {
    for (const { broadcastId, at } of await this.#index.entriesOf(playbackId)) {
      const open = await this.find(broadcastId);
      if (open?.playbackId === playbackId) return open;
      // It may be opened just now.
      await this.#changes.run(broadcastId, async () => {
        if (!(await this.#takeUp(broadcastId))) await this.#index.remove({ playbackId, broadcastId, at });
      });
    }
    return null;
  }

  async #readHistory(broadcastId: string): Promise<History | null> {
    const known = await this.#look(broadcastId);
    if (!known) return null;
    return known instanceof LiveBroadcast ? known.history : (this.#ended.loaded(broadcastId) ?? this.#ended.history(broadcastId));
  }

  #countOpen(): void {
    this.#options.metrics.openBroadcasts.set(this.#live.size);
  }
}

function statusOf(known: LiveBroadcast | BroadcastSummary | null): BroadcastStatus {
  if (!known) throw new HoldfastError('broadcast_not_found');
  return known.status;
}
