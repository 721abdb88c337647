import type { StartEncode } from '../../domain/contracts/origin-control.js';
import type { Logger } from '../../platform/log/logger.js';
import { presentCarriers } from '../carriers.js';
import type { InitSegment } from '../fmp4/init-segment.js';
import { waitTopic, type HeldRequests } from '../held-requests.js';
import type { OriginMetrics } from '../metrics.js';
import { initFile, type BroadcastFolder } from '../store/broadcast-folder.js';
import type { History } from '../store/history.js';
import type { RunLine, SegmentFile, SegmentLine } from '../store/journal-lines.js';
import { firstPartOf, LiveEdge } from '../store/live-edge.js';
import type { PartStore } from '../store/part-store.js';
import type { SegmentCache } from '../store/segment-cache.js';
import { endOfLineMs, type ActiveRun } from './active-run.js';
import { AlignedCuts } from './aligned-cuts.js';
import type { AlignedSegment } from './aligner.js';
import type { BroadcastWriter } from './broadcast-writer.js';
import type { CutSink } from './encode-run.js';
import { PartCuts, type CompletedSegment } from './part-cuts.js';
import { PartMedia } from './part-media.js';
import { fitsTarget } from './target-duration.js';
import type { Waiters } from './waiters.js';

export interface SegmentListingOptions {
  history: History;
  folder: BroadcastFolder;
  writer: BroadcastWriter;
  cache: SegmentCache;
  parts: PartStore;
  /** Viewers that wait for something of this broadcast. */
  held: HeldRequests;
  /** Whoever else waits for it to become playable. */
  waiters: Waiters;
  metrics: OriginMetrics;
  log: Logger;
}

/** A minute of segments in memory while the disk does not take them: more, and the encoder is stopped instead. */
const MAX_UNWRITTEN_SEGMENTS = 30;

/** Numbers what a broadcast's encoders send, lists it, wakes who waits for it, and gives it to the writer. */
export class SegmentListing {
  readonly #options: SegmentListingOptions;
  readonly #partMedia: PartMedia;
  #nextMsn: number;
  #timelineEndMs: number;

  constructor(options: SegmentListingOptions) {
    this.#options = options;
    const { history, folder, parts, cache } = options;
    this.#nextMsn = history.nextMsn;
    this.#timelineEndMs = history.endOfTimelineMs;
    this.#partMedia = new PartMedia(folder, parts, cache);
    if (history.runs.length > 0 ? history.lowLatency : history.open.latency === 'low') {
      history.edge = new LiveEdge(firstPartOf(history.runs.length, history.lastJump));
      history.edge.carriers = presentCarriers(history.runs);
    }
  }

  /** Number of the next segment. */
  get nextMsn(): number {
    return this.#nextMsn;
  }

  /** An encoder is about to send. @param from its segments are numbered from here at least */
  begin(line: RunLine, from: number): void {
    const { history, writer } = this.#options;
    if (from > this.#nextMsn) line.fromSequence = this.#nextMsn = from;
    history.apply(line);
    if (line.fromSequence !== undefined) history.edge?.skipTo(firstPartOf(history.runs.length, line.fromSequence));
    if (history.edge) history.edge.carriers = presentCarriers(history.runs);
    writer.append(line);
  }

  /** Whole segments together, or with low latency part by part. */
  sinkOf(run: ActiveRun, { renditions, fromSequence = 0 }: Pick<StartEncode, 'renditions' | 'fromSequence'>, partTarget: number): CutSink {
    const { history, log } = this.#options;
    const ids = renditions.map(({ id }) => id);
    const onAbsent = (rendition: string, index: number): void => run.encode.skipTo(rendition, index);
    const { edge } = history;
    if (!edge) return new AlignedCuts(ids, (segment) => this.#takeSegment(run, segment), onAbsent);
    const number = history.runs.length;
    const cuts: PartCuts = new PartCuts({
      run: number,
      renditions: ids,
      firstMsn: Math.max(this.#nextMsn, fromSequence),
      edge,
      partTarget,
      wallOf: (mediaSeconds) => run.wallOf(mediaSeconds, this.#timelineEndMs),
      onPart: (rendition, segment, part) => {
        this.#partMedia.add(rendition, segment, run.muxPart(rendition, part));
        history.touch();
      },
      onListed: (rendition) => this.#listed(rendition),
      onPlayable: () => {
        history.markPlayable(number);
        log.info({ run: number }, 'playable');
        this.#wakeWaiting();
      },
      onClosed: (rendition, segment) => {
        this.#partMedia.close(rendition, segment);
        history.touch();
      },
      onCompleted: (segment) => this.#takeCompleted(run, segment),
      onAbsent,
      onBroken: (reason) => {
        log.error({ reason }, 'encoder stopped: its output cannot be listed');
        run.encode.close();
      },
    });
    return cuts;
  }

  /** A playlist has something new; whoever waits for it is answered. */
  #listed(rendition: string): void {
    for (const id of this.#options.history.edge?.audienceOf(rendition) ?? [rendition])
      this.#options.held.wake(`${this.#options.history.open.broadcastId}/${id}`);
  }

  /** The header of a rendition. */
  takeInit(run: ActiveRun, rendition: string, init: InitSegment): void {
    run.inits.set(rendition, init);
    const repeat = this.#options.history.runs.filter(({ epoch, run: number }) => epoch === run.line.epoch && number < run.line.run).length;
    const file = initFile(run.line.epoch, repeat);
    const { codec, width, height, bytes } = init;
    const line = { type: 'init', run: run.line.run, rendition, file, codec, width, height, bytes: bytes.length } as const;
    this.#options.history.apply(line);
    this.#options.writer.header(line, bytes);
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
    this.#options.writer.segment({ line, media: bytes, cutAt }, () => {
      this.#wakeWaiting();
      // Parts woke their own playlists already; a gap is listed now.
      if (isGap) this.#options.held.wakeAll(`${this.#options.history.open.broadcastId}/`);
    });
    if (this.#options.writer.unwritten > MAX_UNWRITTEN_SEGMENTS && !run.encode.finished) {
      this.#options.log.error({ unwritten: this.#options.writer.unwritten }, 'the disk does not take the segments; encoder stopped');
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
    this.#options.waiters.wake();
    this.#options.held.wake(waitTopic(this.#options.history.open.playbackId));
  }
}
