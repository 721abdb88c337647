import type { PlaylistEdge } from '../hls/blocking-reload.js';

/** One part that is out. */
export interface EdgePart {
  /** File name; numbered over the whole broadcast, so that the hint stays right across segments and encoders. */
  name: string;
  /** Seconds. */
  duration: number;
  independent: boolean;
}

/** A segment of one rendition near the live edge. */
export interface EdgeSegment {
  /** Whose media it is. */
  rendition: string;
  msn: number;
  run: number;
  /** Wall clock (ms) of its first frame. */
  startMs: number;
  parts: EdgePart[];
  /** Seconds; null while it is open. */
  duration: number | null;
}

/** Segments of a rendition whose parts are remembered: more than any playlist lists parts of. */
const KEPT_SEGMENTS = 8;

/** Part numbers of one life of the origin; more than the longest broadcast has. The next life begins above them. */
const PARTS_PER_LIFE = 10_000_000;

/**
 * A part number that no host of the broadcast has used: of earlier hosts, lives are fewer than the segments jumped over.
 *
 * @param runs of this host so far
 * @param jump where the numbers of segments last jumped to
 */
export const firstPartOf = (runs: number, jump: number): number => (runs + jump) * PARTS_PER_LIFE;

export const partFile = (number: number): string => `p${number}.m4s`;

/**
 * What is listed of a low-latency broadcast before it is on disk: each rendition's newest segments with their parts.
 * Knows only what is out; when something comes out, and under which number, others decide.
 */
export class LiveEdge {
  #segments = new Map<string, EdgeSegment[]>();
  #nextPart = new Map<string, number>();
  #firstPart: number;
  #carriers: ReadonlyMap<string, string> = new Map();

  /** @param firstPart number of the first part; above all that were used before the origin was restarted */
  constructor(firstPart: number) {
    this.#firstPart = firstPart;
  }

  /** Parts are numbered from here at least. */
  skipTo(firstPart: number): void {
    this.#firstPart = Math.max(this.#firstPart, firstPart);
    for (const [rendition, next] of this.#nextPart) this.#nextPart.set(rendition, Math.max(next, firstPart));
  }

  /** From the present encoder on: renditions it has not → those whose segments follow in their playlists. See carriers.ts. */
  set carriers(carriers: ReadonlyMap<string, string>) {
    this.#carriers = carriers;
  }

  /** Whose playlist shows what comes out of this rendition. */
  audienceOf(rendition: string): string[] {
    const carried = [...this.#carriers].filter(([, carrier]) => carrier === rendition).map(([id]) => id);
    return [rendition, ...carried];
  }

  /** Whose part comes next in a rendition's playlist. */
  carrierOf(rendition: string): string {
    return this.#carriers.get(rendition) ?? rendition;
  }

  /** Name of the next part in a rendition's playlist: its EXT-X-PRELOAD-HINT. */
  nextPartName(rendition: string): string {
    return partFile(this.#nextPart.get(this.carrierOf(rendition)) ?? this.#firstPart);
  }

  addPart(rendition: string, place: { msn: number; run: number; startMs: () => number }, part: Omit<EdgePart, 'name'>): EdgePart {
    const segments = this.#segments.get(rendition) ?? [];
    this.#segments.set(rendition, segments);
    let segment = segments.at(-1);
    if (segment?.msn !== place.msn) {
      segment = { rendition, msn: place.msn, run: place.run, startMs: place.startMs(), parts: [], duration: null };
      segments.push(segment);
      if (segments.length > KEPT_SEGMENTS) segments.shift();
    }
    const listed = { name: this.nextPartName(rendition), ...part };
    segment.parts.push(listed);
    this.#nextPart.set(rendition, (this.#nextPart.get(rendition) ?? this.#firstPart) + 1);
    return listed;
  }

  /** Undefined when nothing of it is out, or it is long gone. */
  segment(rendition: string, msn: number): EdgeSegment | undefined {
    return this.#listed(rendition).findLast((segment) => segment.msn === msn);
  }

  /** Number of the newest segment that something is out of; -1 when nothing is. */
  lastMsn(rendition: string): number {
    return this.#segments.get(rendition)?.at(-1)?.msn ?? -1;
  }

  /** Segments that follow `after` without a hole; the last of them may be open. */
  following(rendition: string, after: number): EdgeSegment[] {
    const following: EdgeSegment[] = [];
    for (const segment of this.#listed(rendition)) {
      if (segment.msn === after + following.length + 1) following.push(segment);
    }
    return following;
  }

  /** Where a rendition's playlist ends. @param lastOnDisk number of the last segment the journal lists */
  position(rendition: string, lastOnDisk: number): PlaylistEdge {
    const following = this.following(rendition, lastOnDisk);
    const open = following.at(-1)?.duration === null ? following.at(-1)! : null;
    const msn = lastOnDisk + 1 + following.length - Number(open !== null);
    const before = this.segment(rendition, msn - 1);
    return { msn, parts: open?.parts.length ?? 0, partsBefore: before?.parts.length ?? null };
  }

  /** A rendition's own segments, then its carrier's. */
  #listed(rendition: string): readonly EdgeSegment[] {
    const own = this.#segments.get(rendition) ?? [];
    const carrier = this.#carriers.get(rendition);
    if (carrier === undefined) return own;
    const last = own.at(-1)?.msn ?? -1;
    return [...own, ...(this.#segments.get(carrier) ?? []).filter(({ msn }) => msn > last)];
  }
}
