import type { BroadcastStatus, StartEncode, StartedEncode } from '../../domain/contracts/origin-control.js';
import { HoldfastError } from '../../domain/errors.js';
import type { Logger } from '../../platform/log/logger.js';
import { presentCarriers } from '../carriers.js';
import type { InitSegment } from '../fmp4/init-segment.js';
import { waitTopic, type HeldRequests } from '../held-requests.js';
import type { OriginMetrics } from '../metrics.js';
import { initFile, type BroadcastFolder } from '../store/broadcast-folder.js';
import type { Disk } from '../store/disk.js';
import type { History } from '../store/history.js';
import { Journal } from '../store/journal.js';
import type { JournalLine, SegmentFile, SegmentLine } from '../store/journal-lines.js';
import { unsyncedFiles } from '../store/losses.js';
import type { PartStore } from '../store/part-store.js';
import type { SegmentCache } from '../store/segment-cache.js';
import { ActiveRun, endOfLineMs } from './active-run.js';
import { AlignedCuts } from './aligned-cuts.js';
import type { AlignedSegment } from './aligner.js';
import { BroadcastWriter } from './broadcast-writer.js';
import { EncodeRun, type CutSink } from './encode-run.js';
import { firstPartOf, LiveEdge } from './live-edge.js';
import { firstFreeAfterBoot, lostSegment } from './lost-segment.js';
import { PartCuts, type CompletedSegment } from './part-cuts.js';
import { PartMedia } from './part-media.js';
import { describeRun } from './run-line.js';
import { socketPath } from './socket-paths.js';
import { describeStatus } from './status.js';
import { fitsTarget } from './target-duration.js';
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
/** A minute of segments in memory while the disk does not take them: more, and the encoder is stopped instead. */
const MAX_UNWRITTEN_SEGMENTS = 30;

/**
 * A broadcast that has not ended: takes one encoder after the other, numbers their segments, writes them, lists them. The
 * sockets are read on regardless of how slow the disk is.
 */
export class LiveBroadcast {
  readonly history: History;
  readonly folder: BroadcastFolder;
  #options: LiveBroadcastOptions;
  #journal: Journal;
  #run: ActiveRun | null = null;
  #commands: Promise<unknown> = Promise.resolve();
  #writer: BroadcastWriter;
  #nextMsn: number;
  /** Numbers below may have been used, though no journal tells of it. */
  #firstFree = 0;
  #timelineEndMs: number;
  /** Not null: no further media is taken, and this is what a late encoder hears. */
  #closing: 'broadcast_ended' | 'shutting_down' | null = null;
  #waiters = new Waiters();
  #partMedia: PartMedia;

  private constructor(options: LiveBroadcastOptions, journal: Journal) {
    this.#options = options;
    this.history = options.history;
    this.folder = options.folder;
    this.#journal = journal;
    this.#writer = new BroadcastWriter({ ...options, journal });
    this.#nextMsn = options.history.nextMsn;
    this.#timelineEndMs = options.history.endOfTimelineMs;
    this.#partMedia = new PartMedia(options.folder, options.parts, options.cache);
    const { history } = options;
    if (history.runs.length > 0 ? history.lowLatency : history.open.latency === 'low') {
      history.edge = new LiveEdge(firstPartOf(history.runs.length, history.lastJump));
      history.edge.carriers = presentCarriers(history.runs);
    }
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
    const { socketDir } = this.#options;
    const { broadcastId } = this.history.open;
    const sockets = request.renditions.map(({ id }): [string, string] => [id, socketPath(socketDir, broadcastId, request.epoch, id)]);
    const log = this.#options.log.child({ epoch: request.epoch });
    const { line, parts } = describeRun(this.history, request, this.#options.partDuration, log);
    if (this.#options.boot !== null) line.boot = this.#options.boot;
    const from = Math.max(request.fromSequence ?? 0, this.#firstFree);
    if (from > this.#nextMsn) line.fromSequence = this.#nextMsn = from;
    const encode: EncodeRun = new EncodeRun({
      renditions: request.renditions,
      gopSeconds: request.gopSeconds,
      firstGopSeconds: request.firstGopSeconds,
      sockets: Object.fromEntries(sockets),
      parts,
      cutsOverdue: this.history.edge !== null,
      log,
      onInit: (rendition, init) => this.#takeInit(run, rendition, init),
      sink: this.#createSink(() => run, request, parts.partTarget),
      onRefused: () => this.#options.metrics.refusedOutputs.inc(),
      onFinished: () => {
        log.info({ segments: this.#nextMsn }, 'encoder run over');
        this.#writer.appendAndApply({ type: 'rest', run: line.run });
      },
    });
    const run: ActiveRun = new ActiveRun(line, encode, request.receivedAt);
    await encode.listen();
    this.#run = run;
    this.history.apply(line);
    if (line.fromSequence !== undefined) this.history.edge?.skipTo(firstPartOf(this.history.runs.length, line.fromSequence));
    if (this.history.edge) this.history.edge.carriers = presentCarriers(this.history.runs);
    this.#writer.append(line);
    return encode;
  }

  /** Whole segments together, or with low latency part by part. */
  #createSink(run: () => ActiveRun, { renditions }: StartEncode, partTarget: number): CutSink {
    const ids = renditions.map(({ id }) => id);
    const onAbsent = (rendition: string, index: number): void => run().encode.skipTo(rendition, index);
    const { edge } = this.history;
    if (!edge) return new AlignedCuts(ids, (segment) => this.#takeSegment(run(), segment), onAbsent);
    const number = this.history.runs.length;
    const cuts: PartCuts = new PartCuts({
      run: number,
      renditions: ids,
      firstMsn: this.#nextMsn,
      edge,
      partTarget,
      wallOf: (mediaSeconds) => run().wallOf(mediaSeconds, this.#timelineEndMs),
      onPart: (rendition, segment, part) => {
        this.#partMedia.add(rendition, segment, run().muxPart(rendition, part));
        this.history.touch();
      },
      onListed: (rendition) => this.#listed(rendition),
      onPlayable: () => {
        this.history.markPlayable(number);
        this.#options.log.info({ run: number }, 'playable');
        this.#wakeWaiting();
      },
      onClosed: (rendition, segment) => {
        this.#partMedia.close(rendition, segment);
        this.history.touch();
      },
      onCompleted: (segment) => this.#takeCompleted(run(), segment),
      onAbsent,
      onBroken: (reason) => {
        this.#options.log.error({ reason }, 'encoder stopped: its output cannot be listed');
        run().encode.close();
      },
    });
    return cuts;
  }

  /** A playlist has something new; whoever waits for it is answered. */
  #listed(rendition: string): void {
    for (const id of this.history.edge?.audienceOf(rendition) ?? [rendition])
      this.#options.held.wake(`${this.history.open.broadcastId}/${id}`);
  }

  #takeInit(run: ActiveRun, rendition: string, init: InitSegment): void {
    run.inits.set(rendition, init);
    const repeat = this.history.runs.filter(({ epoch, run: number }) => epoch === run.line.epoch && number < run.line.run).length;
    const file = initFile(run.line.epoch, repeat);
    const { codec, width, height, bytes } = init;
    const line = { type: 'init', run: run.line.run, rendition, file, codec, width, height, bytes: bytes.length } as const;
    this.history.apply(line);
    this.#writer.header(line, bytes);
  }

  #takeSegment(run: ActiveRun, aligned: AlignedSegment): void {
    const cutAt = performance.now();
    const { bytes, files, missing } = run.mux(aligned, this.#timelineEndMs);
    this.#write(run, { type: 'segment', msn: this.#nextMsn++, run: run.line.run, renditions: files }, bytes, missing, cutAt);
  }

  /** All parts of a segment are out in all renditions: it goes to disk as a whole. */
  #takeCompleted(run: ActiveRun, { msn, renditions }: CompletedSegment): void {
    const bytes = this.#partMedia.take(msn);
    const files: Record<string, SegmentFile> = {};
    const missing: string[] = [];
    for (const [rendition, segment] of renditions) {
      if (segment) files[rendition] = [segment.duration!, bytes.get(rendition)!.length, segment.startMs];
      else missing.push(rendition);
    }
    const nobody = missing.length === renditions.size;
    const line: SegmentLine = { type: 'segment', msn, run: run.line.run, renditions: files };
    if (nobody) line.gap = [run.line.gopSeconds, Math.round(this.#timelineEndMs)];
    this.#nextMsn = msn + 1;
    this.#write(run, line, bytes, missing, performance.now());
  }

  #write(run: ActiveRun, line: SegmentLine, bytes: ReadonlyMap<string, Buffer>, missing: readonly string[], cutAt: number): void {
    if (missing.length > 0) this.#options.log.warn({ missing, msn: line.msn }, 'renditions are missing; their playlists get a gap');
    this.#checkLength(line, run.line.targetDuration);
    this.#timelineEndMs = endOfLineMs(line);
    const isGap = missing.length > 0;
    this.#writer.segment({ line, media: bytes, cutAt }, () => {
      this.#wakeWaiting();
      // Parts woke their own playlists already; a gap is listed now.
      if (isGap) this.#options.held.wakeAll(`${this.history.open.broadcastId}/`);
    });
    if (this.#writer.unwritten > MAX_UNWRITTEN_SEGMENTS && !run.encode.finished) {
      this.#options.log.error({ unwritten: this.#writer.unwritten }, 'the disk does not take the segments; encoder stopped');
      run.encode.close();
    }
  }

  /** Our encoders cannot do it; another one that ignores the GOP is worth an alarm, not an outage. */
  #checkLength({ msn, renditions }: SegmentLine, target: number): void {
    for (const [rendition, [seconds]] of Object.entries(renditions)) {
      if (fitsTarget(seconds, target)) continue;
      this.#options.metrics.overlongSegments.inc();
      this.#options.log.error({ rendition, msn, seconds, target }, 'segment above the target duration: keyframe late');
    }
  }

  /** Whoever waits for the broadcast to become playable: the media worker, and viewers. */
  #wakeWaiting(): void {
    this.#waiters.wake();
    this.#options.held.wake(waitTopic(this.history.open.playbackId));
  }
}
