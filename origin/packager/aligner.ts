import { joinSegments, segmentDuration, segmentEnd, trimSegment, type CutSegment } from './cut-segment.js';

/** One segment of the broadcast: the same interval in every rendition; null where a rendition has nothing for it. */
export interface AlignedSegment {
  renditions: Map<string, CutSegment | null>;
}

/**
 * A rendition that is this many segments behind the first is no longer waited for: its part of the playlist becomes a
 * gap, and the others go on. Renditions of one encoder are well under one second apart while all of them flow.
 */
const ABSENT_AFTER_SEGMENTS = 2;
/** A tail (seconds) shorter than this is not worth a segment: players stumble over a handful of frames. */
const MIN_TAIL_SECONDS = 0.1;

/** Puts the renditions' segments side by side and gives out those that are complete in all of them, in order. */
export class Aligner {
  #queues: Map<string, CutSegment[]>;
  #absent = new Set<string>();
  #next: number | null = null;
  /** Called when a rendition is no longer waited for; it must begin again at this grid point. */
  #onAbsent: (rendition: string, index: number) => void;

  constructor(renditions: readonly string[], onAbsent: (rendition: string, index: number) => void) {
    this.#queues = new Map(renditions.map((id) => [id, []]));
    this.#onAbsent = onAbsent;
  }

  /** Takes one finished segment, gives all that can be published now. */
  add(rendition: string, segment: CutSegment): AlignedSegment[] {
    if (this.#next !== null && segment.index < this.#next) return [];
    this.#queues.get(rendition)!.push(segment);
    this.#absent.delete(rendition);
    const ready: AlignedSegment[] = [];
    for (let aligned = this.#take(); aligned; aligned = this.#take()) ready.push(aligned);
    return ready;
  }

  /**
   * The encoder has ended: what is left becomes one short last segment that ends at the same time in all renditions,
   * or nothing when a rendition has none of it.
   *
   * @param open the unfinished segments
   */
  finish(open: ReadonlyMap<string, CutSegment | null>): AlignedSegment | null {
    const leftovers = new Map<string, CutSegment[]>();
    for (const [id, queue] of this.#queues) {
      const tail = open.get(id);
      const rest = tail && tail.parts.length > 0 ? [...queue, tail] : [...queue];
      leftovers.set(id, rest);
    }
    const present = [...leftovers].filter(([id]) => !this.#absent.has(id));
    if (present.length === 0 || present.some(([, rest]) => rest.length === 0)) return null;
    const from = this.#next ?? Math.max(...present.map(([, rest]) => rest[0]!.index));
    const wanted = present.map(([id, rest]): [string, CutSegment[]] => [id, rest.filter(({ index }) => index >= from)]);
    if (wanted.some(([, rest]) => rest.length === 0)) return null;
    const end = Math.min(...wanted.map(([, rest]) => segmentEnd(rest.at(-1)!)));
    const renditions = new Map<string, CutSegment | null>([...this.#queues.keys()].map((id) => [id, null]));
    for (const [id, rest] of wanted) {
      const trimmed = trimSegment(joinSegments(rest), end);
      if (!trimmed || segmentDuration(trimmed) < MIN_TAIL_SECONDS) return null;
      renditions.set(id, trimmed);
    }
    return { renditions };
  }

  #take(): AlignedSegment | null {
    const next = this.#begin();
    if (next === null) return null;
    const taken = new Map<string, CutSegment[]>();
    let until = next + 1;
    for (;;) {
      const before = until;
      for (const [id, queue] of this.#queues) {
        const run = contiguousRun(queue, next, until);
        if (run === 'pending' && this.#isAbsent(id, next)) taken.set(id, []);
        else if (run === 'pending') return null;
        else {
          taken.set(id, run);
          until = Math.max(until, run.at(-1)?.until ?? until);
        }
      }
      if (until === before) break;
    }
    this.#next = until;
    const renditions = new Map<string, CutSegment | null>();
    for (const [id, run] of taken) {
      this.#queues.get(id)!.splice(0, run.length);
      renditions.set(id, run.length > 0 ? joinSegments(run) : null);
    }
    return { renditions };
  }

  /** The grid point to publish next; the first one is the first that all renditions have. */
  #begin(): number | null {
    const heads: number[] = [];
    const first = this.#next ?? Math.max(...[...this.#queues.values()].map((queue) => queue[0]?.index ?? 0));
    for (const [id, queue] of this.#queues) {
      const head = queue[0];
      if (head) heads.push(head.index);
      else if (!this.#isAbsent(id, first)) return null;
    }
    if (heads.length === 0) return null;
    // All of them may have jumped over a hole; an interval that nobody has is no segment.
    const next = this.#next === null ? Math.max(...heads) : Math.max(this.#next, Math.min(...heads));
    for (const queue of this.#queues.values()) {
      while (queue[0] && queue[0].until <= next) queue.shift();
    }
    this.#next = next;
    return next;
  }

  #isAbsent(rendition: string, index: number): boolean {
    if (this.#absent.has(rendition)) {
      this.#onAbsent(rendition, index + 1);
      return true;
    }
    const longest = Math.max(...[...this.#queues.values()].map((queue) => queue.length));
    if (longest <= ABSENT_AFTER_SEGMENTS) return false;
    this.#absent.add(rendition);
    this.#onAbsent(rendition, index + 1);
    return true;
  }
}

/** The segments from grid point `next` to at least `until`; empty for a hole; 'pending' when more has to come first. */
function contiguousRun(queue: readonly CutSegment[], next: number, until: number): CutSegment[] | 'pending' {
  const run: CutSegment[] = [];
  let reached = next;
  for (const segment of queue) {
    if (reached >= until || segment.index > reached) return run;
    run.push(segment);
    reached = segment.until;
  }
  return reached >= until ? run : 'pending';
}
