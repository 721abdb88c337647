import type { Sample } from '../fmp4/sample.js';

/** A stretch of one rendition inside a segment: one EXT-X-PART with low latency, always one moof + mdat. */
export interface CutPart {
  samples: Sample[];
  /** Starts with a frame a decoder can start at. */
  independent: boolean;
}

/** One rendition between two grid points. */
export interface CutSegment {
  /** Grid point it starts at. */
  index: number;
  /** Grid point it ends at; more than index + 1 only when a keyframe was missing. */
  until: number;
  timescale: number;
  parts: CutPart[];
}

const firstSample = (segment: CutSegment): Sample | undefined => segment.parts[0]?.samples[0];
const lastSample = (segment: CutSegment): Sample | undefined => segment.parts.at(-1)?.samples.at(-1);

/** Seconds from the first frame of a part to the end of its last, in decode time: what EXT-X-PART says. */
export function partDuration({ samples }: CutPart, timescale: number): number {
  const [first, last] = [samples[0], samples.at(-1)];
  return first && last ? (last.dts + last.duration - first.dts) / timescale : 0;
}

/** Presentation time of the first frame, seconds. */
export function segmentStart(segment: CutSegment): number {
  const first = firstSample(segment);
  return first ? (first.dts + first.compositionOffset) / segment.timescale : 0;
}

/** Seconds from the first frame to the end of the last, in decode time: what EXTINF says. */
export function segmentDuration(segment: CutSegment): number {
  const first = firstSample(segment);
  const last = lastSample(segment);
  return first && last ? (last.dts + last.duration - first.dts) / segment.timescale : 0;
}

/** End of the last frame in decode time, seconds. */
export function segmentEnd(segment: CutSegment): number {
  const last = lastSample(segment);
  return last ? (last.dts + last.duration) / segment.timescale : 0;
}

/** Several segments of one rendition as one. */
export function joinSegments(segments: readonly CutSegment[]): CutSegment {
  const first = segments[0]!;
  return { ...first, until: segments.at(-1)!.until, parts: segments.flatMap((segment) => segment.parts) };
}

/** Only the frames that begin before `end` (seconds, decode time); null when none does. */
export function trimSegment(segment: CutSegment, end: number): CutSegment | null {
  const parts = segment.parts
    .map((part) => ({ ...part, samples: part.samples.filter((sample) => sample.dts < end * segment.timescale) }))
    .filter((part) => part.samples.length > 0);
  return parts.length > 0 ? { ...segment, parts } : null;
}
