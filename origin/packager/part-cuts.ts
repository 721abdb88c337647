import { MIN_PART_SHARE } from '../hls/part-target.js';
import { partDuration, segmentEnd, segmentStart, type CutPart, type CutSegment } from './cut-segment.js';
import type { CutSink } from './encode-run.js';
import type { EdgeSegment, LiveEdge } from '../store/live-edge.js';

/** One segment number is over in every rendition. */
export interface CompletedSegment {
  msn: number;
  /** null = gap. */
  renditions: Map<string, EdgeSegment | null>;
}

export interface PartCutsOptions {
  run: number;
  renditions: readonly string[];
  firstMsn: number;
  edge: LiveEdge;
  /** Seconds. */
  partTarget: number;
  /** Wall clock (ms) of a media time in seconds. */
  wallOf: (mediaSeconds: number) => number;
  /** Every rendition has a closed segment: browsers play nothing before, however many parts are listed. */
  onPlayable: () => void;
  /** The part is listed: here are its frames. */
  onPart: (rendition: string, segment: EdgeSegment, part: CutPart) => void;
  /** The playlist of a rendition shows something new, and all that belongs to it: who waits for it can be answered. */
  onListed: (rendition: string) => void;
  /** A segment of one rendition has all its parts. */
  onClosed: (rendition: string, segment: EdgeSegment) => void;
  onCompleted: (segment: CompletedSegment) => void;
  /** A rendition is no longer waited for; it must begin again at this grid point. */
  onAbsent: (rendition: string, index: number) => void;
  /** The encoder's times jumped further than gaps can bridge. */
  onBroken: (reason: string) => void;
}

/** A rendition this many segments behind the first is no longer waited for, as in the aligner. */
const ABSENT_AFTER_SEGMENTS = 2;
/** A tail (seconds) that nobody has seen a part of and that is shorter than this is left out. */
const MIN_TAIL_SECONDS = 0.1;
/** A jump over more segments than this (a minute) is the encoder's failure; it is started again. */
const MAX_HOLE_SEGMENTS = 30;

type Cut = { segment: CutSegment; part: CutPart | null };

/**
 * Numbers the cuts of one encoder run and lists each part the moment it is complete. All renditions share the numbers:
 * grid point n of the run is segment `firstMsn + n - first`, whichever of them is ahead.
 */
export class PartCuts implements CutSink {
  /** The first part of every rendition is out. */
  started = false;
  #options: PartCutsOptions;
  #early = new Map<string, Cut[]>();
  #firstIndex = 0;
  /** Number of the next segment to complete in all renditions. */
  #next: number;
  /** Number of the segment a rendition is in or comes to. */
  #reached = new Map<string, number>();
  #broken = false;
  /** Too short for any part but a segment's last: listed with the end of the segment, so that nobody takes it for less. */
  #short = new Map<string, Cut & { part: CutPart }>();
  #playable = false;

  constructor(options: PartCutsOptions) {
    this.#options = options;
    this.#next = options.firstMsn;
    for (const id of options.renditions) this.#early.set(id, []);
  }

  part(rendition: string, segment: CutSegment, part: CutPart): void {
    this.#take(rendition, { segment, part });
  }

  segment(rendition: string, segment: CutSegment): void {
    this.#take(rendition, { segment, part: null });
  }

  /** What is not out yet of the open segments becomes their last part, up to where all renditions have media. */
  finish(open: ReadonlyMap<string, CutSegment | null>): void {
    if (!this.started) return;
    const present = [...open].flatMap(([id, segment]) => (segment && this.#isInReach(segment) ? [{ id, segment }] : []));
    const end = Math.min(...present.map(({ segment }) => segmentEnd(segment)));
    const rests = present.map(({ id, segment }) => ({ id, segment, rest: this.#unlisted(id, segment, end) }));
    const last = this.#lastListed();
    const tails = rests.filter(({ segment, rest }) => this.#msnOf(segment.index) > last && rest !== null);
    const isWorthIt =
      tails.length === open.size && tails.every(({ segment, rest }) => partDuration(rest!, segment.timescale) >= MIN_TAIL_SECONDS);
    for (const { id, segment, rest } of rests) {
      const msn = this.#msnOf(segment.index);
      if (rest && (msn <= last || isWorthIt)) this.#list(id, segment, rest);
      if (this.#options.edge.segment(id, msn)) this.#close(id, msn);
    }
    const through = this.#lastListed();
    for (const id of this.#options.renditions) this.#reached.set(id, Math.max(through + 1, this.#reachedBy(id)));
    this.#complete();
    for (const id of this.#options.renditions) this.#options.onListed(id);
  }

  #take(rendition: string, cut: Cut): void {
    if (this.#broken) return;
    if (this.started) {
      this.#apply(rendition, cut);
      return;
    }
    this.#early.get(rendition)!.push(cut);
    this.#start();
  }

  /** Begins at the first grid point that all renditions have a part of. */
  #start(): void {
    const queues = [...this.#early.values()];
    const closed = Math.max(...queues.map((cuts) => cuts.filter(({ part }) => part === null).length));
    const present = queues.filter((cuts) => cuts.length > 0);
    if (present.length < queues.length && closed <= ABSENT_AFTER_SEGMENTS) return;
    this.#firstIndex = Math.max(...present.map((cuts) => cuts[0]!.segment.index));
    // One that has come to an end before the others began has nothing to begin with.
    if (present.some((cuts) => cuts.at(-1)!.segment.index < this.#firstIndex)) return;
    this.started = true;
    for (const [id, cuts] of this.#early) {
      for (const cut of cuts) if (cut.segment.index >= this.#firstIndex) this.#apply(id, cut);
    }
    this.#early.clear();
  }

  #apply(rendition: string, { segment, part }: Cut): void {
    const msn = this.#msnOf(segment.index);
    if (msn < this.#reachedBy(rendition)) return;
    if (!this.#isInReach(segment)) {
      this.#broken = true;
      this.#options.onBroken(`times jump over ${msn - this.#next} segments`);
      return;
    }
    this.#listShort(rendition);
    if (part && partDuration(part, segment.timescale) < MIN_PART_SHARE * this.#options.partTarget) {
      this.#short.set(rendition, { segment, part });
    } else if (part) {
      this.#reached.set(rendition, msn);
      this.#list(rendition, segment, part);
    } else {
      this.#close(rendition, msn);
    }
    this.#complete();
    this.#options.onListed(rendition);
  }

  #listShort(rendition: string): void {
    const short = this.#short.get(rendition);
    if (!short || !this.#short.delete(rendition)) return;
    this.#reached.set(rendition, this.#msnOf(short.segment.index));
    this.#list(rendition, short.segment, short.part);
  }

  #isInReach({ index, parts }: CutSegment): boolean {
    return parts.length > 0 && this.#msnOf(index) <= this.#next + MAX_HOLE_SEGMENTS;
  }

  #msnOf(index: number): number {
    return this.#options.firstMsn + index - this.#firstIndex;
  }

  #reachedBy(rendition: string): number {
    return this.#reached.get(rendition) ?? this.#options.firstMsn;
  }

  #list(rendition: string, segment: CutSegment, part: CutPart): void {
    const { edge, run, wallOf, onPart } = this.#options;
    const msn = this.#msnOf(segment.index);
    const place = { msn, run, startMs: () => wallOf(segmentStart(segment)) };
    edge.addPart(rendition, place, { duration: partDuration(part, segment.timescale), independent: part.independent });
    onPart(rendition, edge.segment(rendition, msn)!, part);
  }

  #close(rendition: string, msn: number): void {
    const listed = this.#options.edge.segment(rendition, msn);
    this.#reached.set(rendition, msn + 1);
    if (!listed || listed.duration !== null) return;
    listed.duration = listed.parts.reduce((sum, part) => sum + part.duration, 0);
    this.#options.onClosed(rendition, listed);
  }

  /** Gives out every number that all renditions are through with. */
  #complete(): void {
    const { renditions, edge, onCompleted } = this.#options;
    for (;;) {
      const ahead = Math.max(...renditions.map((id) => this.#reachedBy(id)));
      if (ahead <= this.#next) return;
      const behind = renditions.filter((id) => this.#reachedBy(id) <= this.#next);
      if (behind.length > 0 && ahead - this.#next <= ABSENT_AFTER_SEGMENTS) return;
      for (const id of behind) this.#giveUp(id);
      const msn = this.#next++;
      const segments = renditions.map((id): [string, EdgeSegment | null] => [id, edge.segment(id, msn) ?? null]);
      // The open one of a rendition that has gone on without closing it: it has jumped.
      for (const [id, segment] of segments) if (segment?.duration === null) this.#closeLate(id, segment);
      onCompleted({ msn, renditions: new Map(segments) });
      this.#announce(segments);
    }
  }

  #announce(segments: readonly [string, EdgeSegment | null][]): void {
    if (this.#playable || segments.some(([, segment]) => segment === null)) return;
    this.#playable = true;
    this.#options.onPlayable();
  }

  #closeLate(rendition: string, segment: EdgeSegment): void {
    const reached = this.#reachedBy(rendition);
    this.#close(rendition, segment.msn);
    this.#reached.set(rendition, Math.max(reached, segment.msn + 1));
  }

  #giveUp(rendition: string): void {
    this.#short.delete(rendition);
    this.#close(rendition, this.#next);
    this.#options.onAbsent(rendition, this.#next + 1 - this.#options.firstMsn + this.#firstIndex);
  }

  #lastListed(): number {
    const { renditions, edge, firstMsn } = this.#options;
    return Math.max(firstMsn - 1, ...renditions.map((id) => edge.lastMsn(id)));
  }

  /** The frames of an open segment that are not out and begin before `end` (seconds, decode time). */
  #unlisted(rendition: string, segment: CutSegment, end: number): CutPart | null {
    const listed = this.#options.edge.segment(rendition, this.#msnOf(segment.index))?.parts.length ?? 0;
    const part = segment.parts[listed];
    if (!part || this.#msnOf(segment.index) < this.#reachedBy(rendition)) return null;
    const samples = part.samples.filter((sample) => sample.dts < end * segment.timescale);
    return samples.length > 0 ? { ...part, samples } : null;
  }
}
