import type { InitSegment } from '../fmp4/init-segment.js';
import { writePart } from '../fmp4/part-writer.js';
import type { RunLine, SegmentFile, SegmentLine } from '../store/journal-lines.js';
import type { AlignedSegment } from './aligner.js';
import { segmentDuration, segmentStart, type CutPart } from './cut-segment.js';
import type { EncodeRun } from './encode-run.js';

const MS_PER_SECOND = 1000;

/** One segment's bytes per rendition, and what the journal will say of them. */
export interface MuxedSegment {
  bytes: Map<string, Buffer>;
  files: Record<string, SegmentFile>;
  /** Renditions that have nothing for this interval. */
  missing: string[];
}

/** The encoder run a broadcast takes media from: turns its cuts into files and media time into wall clock. */
export class ActiveRun {
  readonly line: RunLine;
  /** Set once, before anything comes: a run and what cuts its media know each other. */
  encode!: EncodeRun;
  readonly inits = new Map<string, InitSegment>();
  /** Fragment sequence number per rendition. */
  #sequences = new Map<string, number>();
  /** Wall clock (ms) of media time 0. */
  #wallOfZeroMs: number | null = null;
  #receivedAt: number | undefined;

  /** @param receivedAt see StartEncode */
  constructor(line: RunLine, receivedAt: number | undefined) {
    this.line = line;
    this.#receivedAt = receivedAt;
  }

  /** @param notBeforeMs wall clock where the timeline so far ends; the new one begins there or later */
  mux(aligned: AlignedSegment, notBeforeMs: number): MuxedSegment {
    const muxed: MuxedSegment = { bytes: new Map(), files: {}, missing: [] };
    for (const [rendition, segment] of aligned.renditions) {
      if (!segment) {
        muxed.missing.push(rendition);
        continue;
      }
      const bytes = Buffer.concat(segment.parts.flatMap((part) => this.#write(rendition, part)));
      muxed.bytes.set(rendition, bytes);
      muxed.files[rendition] = [segmentDuration(segment), bytes.length, this.wallOf(segmentStart(segment), notBeforeMs)];
    }
    return muxed;
  }

  muxPart(rendition: string, part: CutPart): Buffer {
    return Buffer.concat(this.#write(rendition, part));
  }

  #write(rendition: string, { samples }: CutPart): Buffer[] {
    const sequence = (this.#sequences.get(rendition) ?? 0) + 1;
    this.#sequences.set(rendition, sequence);
    return writePart(sequence, this.inits.get(rendition)!.trackId, samples);
  }

  /** Wall clock (ms) of a media time: that of the run's first frame plus media time, never behind what is listed. */
  wallOf(mediaSeconds: number, notBeforeMs: number): number {
    const started = this.encode.started ?? { mediaSeconds, wallMs: Date.now() };
    this.#wallOfZeroMs ??= wallOfZeroMs({ mediaSeconds, notBeforeMs, started, receivedAt: this.#receivedAt });
    return Math.round(this.#wallOfZeroMs + mediaSeconds * MS_PER_SECOND);
  }
}

export interface RunDate {
  /** What is listed first: not always the first frame. */
  mediaSeconds: number;
  /** Wall clock (ms) where the timeline so far ends. */
  notBeforeMs: number;
  /** The run's first frame, and when it came out of the encoder (ms). */
  started: { mediaSeconds: number; wallMs: number };
  /** When that frame came in (ms), if that is known. */
  receivedAt: number | undefined;
}

/** The date (ms) of a run's media time 0. What is listed is never dated before the end of what was listed, whatever the clocks say. */
export function wallOfZeroMs({ mediaSeconds, notBeforeMs, started, receivedAt = started.wallMs }: RunDate): number {
  // A frame cannot have come in after it came out: then something else was given to the encoder.
  const first = Math.min(receivedAt, started.wallMs) - started.mediaSeconds * MS_PER_SECOND;
  return Math.max(first, notBeforeMs - mediaSeconds * MS_PER_SECOND);
}

/** Wall clock (ms) where a segment's timeline ends, in its longest rendition. */
export const endOfLineMs = ({ renditions, gap: [gapSeconds, gapStart] = [0, 0] }: SegmentLine): number =>
  Math.max(
    gapStart + gapSeconds * MS_PER_SECOND,
    ...Object.values(renditions).map(([seconds, , startMs]) => startMs + seconds * MS_PER_SECOND),
  );
