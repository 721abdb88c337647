import { Aligner, type AlignedSegment } from './aligner.js';
import type { CutSegment } from './cut-segment.js';
import type { CutSink } from './encode-run.js';

/** Whole segments, given out when all renditions have them: what a broadcast without low latency publishes. */
export class AlignedCuts implements CutSink {
  #aligner: Aligner;
  #onSegment: (segment: AlignedSegment) => void;

  constructor(
    renditions: readonly string[],
    onSegment: (segment: AlignedSegment) => void,
    onAbsent: (rendition: string, index: number) => void,
  ) {
    this.#aligner = new Aligner(renditions, onAbsent);
    this.#onSegment = onSegment;
  }

  part(): void {
    // Parts are inside the segments; nobody sees them on their own.
  }

  segment(rendition: string, segment: CutSegment): void {
    for (const aligned of this.#aligner.add(rendition, segment)) this.#onSegment(aligned);
  }

  finish(open: ReadonlyMap<string, CutSegment | null>): void {
    const tail = this.#aligner.finish(open);
    if (tail) this.#onSegment(tail);
  }
}
