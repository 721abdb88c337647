import { completesPart, type PartProfile } from '../hls/part-target.js';
import { MediaFormatError } from '../fmp4/format-error.js';
import type { Sample } from '../fmp4/sample.js';
import type { CutGrid } from './cut-grid.js';
import { partDuration, segmentDuration, type CutPart, type CutSegment } from './cut-segment.js';

/** Audio that is ahead of the first keyframe waits for it; more than this (seconds) is not kept. */
const MAX_WAITING_SECONDS = 10;
/** Frame times are rounded to ticks of at least 1/90000 s; a frame this close (seconds) before a grid point is at it. */
const TICK_TOLERANCE = 0.001;
/** An off-grid keyframe is taken as a cut once the segment has grown to this many GOPs (RFC 8216bis 6.2.1: 1.5 × TD). */
const OVERLONG_GOPS = 1.5;
/** Share of a GOP after its grid point when a cut is overdue: EXTINF still rounds to the target duration (4.4.3.1). */
const OVERDUE_SHARE = 0.2;
/** Without any keyframe for this long (seconds) or beyond this size the encoder is not usable; memory is not unlimited. */
const MAX_SEGMENT_SECONDS = 30;
const MAX_SEGMENT_BYTES = 64 << 20;

export interface SegmenterOptions {
  kind: 'video' | 'audio';
  timescale: number;
  grid: CutGrid;
  /** This rendition's first frame starts the grid: every video rendition, and audio when there is no video. */
  startsGrid: boolean;
  parts: PartProfile;
  /** Frames lie where their source put them, not on exact places: no part may rely on the length of the next frame. */
  keepsSourceTimes?: boolean;
  /**
   * Cut a little after the grid point even without a keyframe: what is listed in parts cannot be joined to one long
   * segment afterwards, and a segment above the target duration stops players for good.
   */
  cutsOverdue?: boolean;
  /** A part is complete: no frame is added to it, and none of its frames changes. Before its segment is given out. */
  onPart?: (segment: CutSegment, part: CutPart) => void;
}

/** Cuts one rendition's frames into segments and parts. Knows only WHEN to cut; nothing of files or numbers. */
export class Segmenter {
  #options: SegmenterOptions;
  #waiting: Sample[] = [];
  #open: CutSegment | null = null;
  #openBytes = 0;
  #partIsFull = true;
  #lastDts = -1;
  #firstWanted = 0;

  constructor(options: SegmenterOptions) {
    this.#options = options;
  }

  /** The segment that is not finished yet. */
  get open(): CutSegment | null {
    return this.#open;
  }

  /** Gives up everything before this grid point: the others went on without this rendition. */
  skipTo(index: number): void {
    this.#firstWanted = Math.max(this.#firstWanted, index);
    if (this.#open && this.#open.index < index) this.#open = null;
  }

  /** Takes the next frame, gives the segments it finishes. Throws MediaFormatError when decode times step back. */
  push(sample: Sample): CutSegment[] {
    if (sample.dts <= this.#lastDts) throw new MediaFormatError(`decode time steps back from ${this.#lastDts} to ${sample.dts}`);
    this.#lastDts = sample.dts;
    const { grid, startsGrid } = this.#options;
    if (!grid.started && startsGrid && sample.keyframe) grid.start(this.#presentation(sample));
    if (!grid.started) {
      this.#wait(sample);
      return [];
    }
    const ready = this.#waiting.length > 0 ? [...this.#waiting.splice(0), sample] : [sample];
    const closed: CutSegment[] = [];
    for (const next of ready) {
      const segment = this.#cutBefore(next);
      if (segment) closed.push(segment);
      this.#append(next);
    }
    return closed;
  }

  #wait(sample: Sample): void {
    if (this.#options.kind === 'video') return;
    this.#waiting.push(sample);
    const oldest = this.#waiting[0]!;
    if (sample.dts - oldest.dts > MAX_WAITING_SECONDS * this.#options.timescale) this.#waiting.shift();
  }

  #presentation(sample: Sample): number {
    return (sample.dts + sample.compositionOffset) / this.#options.timescale;
  }

  #cutBefore(sample: Sample): CutSegment | null {
    const index = this.#options.kind === 'video' ? this.#videoCut(sample) : this.#audioCut(sample);
    if (index === null || index < this.#firstWanted) return null;
    this.#completePart();
    const closed = this.#open;
    // An audio segment always ends at the next grid point: any frame can begin one, so a jump is a hole, not a long segment.
    if (closed && this.#options.kind === 'video') closed.until = index;
    this.#open = { index, until: index + 1, timescale: this.#options.timescale, parts: [] };
    this.#openBytes = 0;
    this.#partIsFull = true;
    return closed;
  }

  /** Grid point this frame starts a segment at, or null. */
  #videoCut(sample: Sample): number | null {
    const { grid, cutsOverdue } = this.#options;
    const time = this.#presentation(sample);
    if (!sample.keyframe) return cutsOverdue && this.#open ? this.#overdueCut(this.#open, time) : null;
    const { index, onGrid } = grid.nearest(time);
    if (this.#open) {
      if (index <= this.#open.index) return null;
      if (!onGrid && segmentDuration(this.#open) < OVERLONG_GOPS * grid.gopSeconds) return null;
    } else if (!onGrid) {
      return null;
    }
    grid.reached(index, time);
    return index;
  }

  #overdueCut(open: CutSegment, time: number): number | null {
    const { grid } = this.#options;
    const next = open.index + 1;
    return time >= grid.timeOf(next) + OVERDUE_SHARE * grid.gopSeconds ? next : null;
  }

  #audioCut(sample: Sample): number | null {
    const { grid, startsGrid } = this.#options;
    const time = this.#presentation(sample);
    const index = grid.at(time, TICK_TOLERANCE);
    if (index < 0 || (this.#open && index <= this.#open.index)) return null;
    if (startsGrid) grid.reached(index, grid.timeOf(index));
    return index;
  }

  #append(sample: Sample): void {
    const segment = this.#open;
    if (!segment) return;
    this.#completeBefore(segment, sample);
    const previous = segment.parts.at(-1)?.samples.at(-1);
    // A run of samples has no holes in decode time: a frame lasts until the next one. What is out already stays as it is.
    if (previous && sample.dts - previous.dts > MAX_SEGMENT_SECONDS * this.#options.timescale) {
      throw new MediaFormatError(`decode time jumps from ${previous.dts} to ${sample.dts}`);
    }
    if (previous && !this.#partIsFull) previous.duration = sample.dts - previous.dts;
    if (this.#partIsFull) segment.parts.push({ samples: [], independent: sample.keyframe } satisfies CutPart);
    this.#partIsFull = false;
    const part = segment.parts.at(-1)!;
    part.samples.push(sample);
    this.#openBytes += sample.size;
    const duration = segmentDuration(segment);
    if (this.#reachesPartEnd(segment, part, sample, duration)) this.#completePart();
    if (duration > MAX_SEGMENT_SECONDS) throw new MediaFormatError(`no keyframe for ${MAX_SEGMENT_SECONDS} s`);
    if (this.#openBytes > MAX_SEGMENT_BYTES) throw new MediaFormatError(`a segment over ${MAX_SEGMENT_BYTES} bytes`);
  }

  /** A frame that is longer than its neighbours, or comes after a hole, must not make a part longer than PART-TARGET. */
  #completeBefore(segment: CutSegment, sample: Sample): void {
    const part = segment.parts.at(-1);
    const first = part?.samples[0];
    if (!first || this.#partIsFull) return;
    const { timescale, parts, keepsSourceTimes } = this.#options;
    const tolerance = keepsSourceTimes ? 0 : TICK_TOLERANCE;
    if ((sample.dts + sample.duration - first.dts) / timescale > parts.partTarget + tolerance) this.#completePart();
  }

  /** The open part takes no more frames. */
  #completePart(): void {
    const part = this.#open?.parts.at(-1);
    if (this.#partIsFull || !part) return;
    this.#partIsFull = true;
    this.#options.onPart?.(this.#open!, part);
  }

  /** Parts close on a grid of their own inside the segment, the last one where the next segment begins. */
  #reachesPartEnd(segment: CutSegment, part: CutPart, sample: Sample, segmentSeconds: number): boolean {
    const { kind, grid, parts, timescale } = this.#options;
    const frameSeconds = sample.duration / timescale;
    if (kind === 'audio' && this.#presentation(sample) + frameSeconds >= grid.timeOf(segment.index + 1) - TICK_TOLERANCE) return true;
    const partSeconds = partDuration(part, timescale);
    return completesPart(kind, parts, grid.secondsOf(segment.index), {
      partNumber: segment.parts.length,
      segmentSeconds,
      partSeconds,
      frameSeconds,
    });
  }
}
