import type { BroadcastStatus, StartEncode, StartedEncode } from '../../domain/contracts/origin-control.js';
import { HoldfastError } from '../../domain/errors.js';
import type { Logger } from '../../platform/log/logger.js';
import type { HeldRequests } from '../held-requests.js';
import type { OriginMetrics } from '../metrics.js';
import type { BroadcastFolder } from '../store/broadcast-folder.js';
import type { Disk } from '../store/disk.js';
import type { History } from '../store/history.js';
import { Journal } from '../store/journal.js';
import type { JournalLine } from '../store/journal-lines.js';
import { unsyncedFiles } from '../store/losses.js';
import type { PartStore } from '../store/part-store.js';
import type { SegmentCache } from '../store/segment-cache.js';
import { ActiveRun } from './active-run.js';
import { BroadcastWriter } from './broadcast-writer.js';
import { EncodeRun } from './encode-run.js';
import { firstFreeAfterBoot, lostSegment } from './lost-segment.js';
import { describeRun } from './run-line.js';
import { SegmentListing } from './segment-listing.js';
import { socketPath } from './socket-paths.js';
import { describeStatus } from './status.js';
import { Waiters } from './waiters.js';

export interface LiveBroadcastOptions {
  history: History;
  folder: BroadcastFolder;
  socketDir: string;
  cache: SegmentCache;
  parts: PartStore;
  held: HeldRequests;
  /** Seconds of a part, where the frame rate allows it. */
  partDuration: number;
  metrics: OriginMetrics;
  /** Segments stay in memory: what little room the disk has is for journals. */
  isDiskFull: () => boolean;
  disk: Disk;
  /** Names the present start of the machine; null where that cannot be known. */
  boot: string | null;
  log: Logger;
}

/** An encoder that was told to stop flushes within milliseconds; the end of a broadcast waits no longer than this. */
const DRAIN_LIMIT_MS = 1500;
/**
 * A broadcast that has not ended, as the media worker commands it: one encoder after the other, then the end. What they send is listed
 * by its SegmentListing. The sockets are read on regardless of how slow the disk is.
 */
export class LiveBroadcast {
  readonly history: History;
  readonly folder: BroadcastFolder;
  #options: LiveBroadcastOptions;
  #journal: Journal;
  #run: ActiveRun | null = null;
  #commands: Promise<unknown> = Promise.resolve();
  #writer: BroadcastWriter;
  #listing: SegmentListing;
  /** Numbers below may have been used, though no journal tells of it. */
  #firstFree = 0;
  /** Not null: no further media is taken, and this is what a late encoder hears. */
  #closing: 'broadcast_ended' | 'shutting_down' | null = null;
  #waiters = new Waiters();

  private constructor(options: LiveBroadcastOptions, journal: Journal) {
    this.#options = options;
    this.history = options.history;
    this.folder = options.folder;
    this.#journal = journal;
    this.#writer = new BroadcastWriter({ ...options, journal });
    this.#listing = new SegmentListing({ ...options, writer: this.#writer, waiters: this.#waiters });
  }

  /** A broadcast that was opened now. */
  static async create(options: LiveBroadcastOptions): Promise<LiveBroadcast> {
    await options.folder.create([]);
    const journal = await Journal.open(options.folder.journal, options.disk);
    await journal.append(options.history.open);
    await journal.sync();
    await options.disk.syncFolder(options.folder.path);
    return new LiveBroadcast(options, journal);
  }

  /**
   * A broadcast that was open when the origin stopped. Its encoder is gone: it waits for the next epoch.
   *
   * @param losses what a power cut took of it, found and not in the journal yet
   */
  static async resume(options: LiveBroadcastOptions, losses: readonly JournalLine[]): Promise<LiveBroadcast> {
    const { history, folder } = options;
    await folder.removeTemporaries();
    const journal = await Journal.open(folder.journal, options.disk);
    const lost = lostSegment(history);
    await journal.append(...losses, ...(lost ? [lost] : []));
    if (lost) history.apply(lost);
    const live = new LiveBroadcast(options, journal);
    live.#writer.adopt(unsyncedFiles(history, folder), history.nextMsn - 1);
    live.#firstFree = firstFreeAfterBoot(history, options.boot);
    return live;
  }

  get status(): BroadcastStatus {
    return describeStatus(this.history, this.#run?.encode ?? null, this.#writer.unstoredSince);
  }

  /** Its files stay until they are deleted by name. */
  async keep(): Promise<void> {
    if (this.history.keep) return;
    const line: JournalLine = { type: 'keep', keep: true };
    await this.#journal.append(line);
    await this.#journal.sync();
    this.history.apply(line);
  }

  /** See domain/contracts/origin-control.ts. Throws `stale_epoch`, `broadcast_ended`. */
  startEncode(request: StartEncode): Promise<StartedEncode> {
    return this.#exclusive(async () => {
      if (this.#closing) throw new HoldfastError(this.#closing);
      const epoch = this.history.runs.at(-1)?.epoch ?? 0;
      if (request.epoch < epoch) throw new HoldfastError('stale_epoch', undefined, { epoch: request.epoch, present: epoch });
      if (this.#run && request.epoch === epoch && !this.#run.encode.finished) return { sockets: this.#run.encode.sockets };
      this.#run?.encode.close();
      await this.folder.create(request.renditions.map(({ id }) => id));
      const encode = await this.#listen(request);
      return { sockets: encode.sockets };
    });
  }

  /**
   * Ends the broadcast: takes what the sockets still hold, closes the last segments, and nothing is added any more.
   * Idempotent; a call that could not write the end throws and can be repeated.
   */
  end(): Promise<BroadcastStatus> {
    this.#closing = 'broadcast_ended';
    const { log } = this.#options;
    return this.#exclusive(async () => {
      if (this.history.endedAt === null) {
        await this.#run?.encode.drain(DRAIN_LIMIT_MS);
        await this.#writer.flush().catch((error: unknown) => log.error({ reason: String(error) }, 'the last segments could not be synced'));
        const line: JournalLine = { type: 'end', at: Date.now() };
        await this.#journal.append(line);
        await this.#journal.sync();
        this.history.apply(line);
        await this.#journal.close();
        log.info({ segments: this.history.segments.length, seconds: this.history.durationSeconds }, 'broadcast ended');
        this.#waiters.wake();
        this.#options.held.wakeAll(`${this.history.open.broadcastId}/`);
      }
      return this.status;
    });
  }

  /** Stops taking media and writes what there is, without ending the broadcast: the process stops, or the files go. */
  async suspend(): Promise<void> {
    this.#closing ??= 'shutting_down';
    const { log } = this.#options;
    await this.#exclusive(async () => {
      this.#run?.encode.close();
      if (this.history.endedAt !== null) return;
      await this.#writer.flush().catch((error: unknown) => log.error({ reason: String(error) }, 'the last segments could not be synced'));
      await this.#journal.close();
    });
    this.#waiters.wake();
  }

  /** Resolves with the status once a viewer can play, the broadcast has ended, the time is over or the caller has gone. */
  async playable(timeoutMs: number, gone: AbortSignal): Promise<BroadcastStatus> {
    const decided = (): boolean => this.status.playable || this.history.endedAt !== null || this.#closing !== null;
    await this.#waiters.wait(decided, timeoutMs, gone);
    return this.status;
  }

  /** One command after the other, whatever became of the one before. */
  #exclusive<T>(command: () => Promise<T>): Promise<T> {
    const result = this.#commands.then(command);
    this.#commands = result.catch(() => undefined);
    return result;
  }

  async #listen(request: StartEncode): Promise<EncodeRun> {
    const { socketDir, boot, partDuration, metrics } = this.#options;
    const { broadcastId } = this.history.open;
    const sockets = request.renditions.map(({ id }): [string, string] => [id, socketPath(socketDir, broadcastId, request.epoch, id)]);
    const log = this.#options.log.child({ epoch: request.epoch });
    const { line, parts } = describeRun(this.history, request, partDuration, log);
    if (boot !== null) line.boot = boot;
    const from = Math.max(request.fromSequence ?? 0, this.#firstFree);
    const run = new ActiveRun(line, request.receivedAt);
    const encode = new EncodeRun({
      renditions: request.renditions,
      gopSeconds: request.gopSeconds,
      firstGopSeconds: request.firstGopSeconds,
      sockets: Object.fromEntries(sockets),
      parts,
      cutsOverdue: this.history.edge !== null,
      log,
      onInit: (rendition, init) => this.#listing.takeInit(run, rendition, init),
      sink: this.#listing.sinkOf(run, { renditions: request.renditions, fromSequence: from }, parts.partTarget),
      onRefused: () => metrics.refusedOutputs.inc(),
      onFinished: () => {
        log.info({ segments: this.#listing.nextMsn }, 'encoder run over');
        this.#writer.appendAndApply({ type: 'rest', run: line.run });
      },
    });
    run.encode = encode;
    await encode.listen();
    this.#run = run;
    this.#listing.begin(line, from);
    return encode;
  }
}
