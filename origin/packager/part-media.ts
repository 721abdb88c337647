import { segmentFile, type BroadcastFolder } from '../store/broadcast-folder.js';
import type { PartStore } from '../store/part-store.js';
import type { SegmentCache } from '../store/segment-cache.js';
import type { EdgeSegment } from '../store/live-edge.js';

/**
 * The bytes of a low-latency broadcast on their way: parts for viewers at once, and the segments they add up to for the
 * cache and the disk. A closed segment and its parts share one piece of memory.
 */
export class PartMedia {
  #folder: BroadcastFolder;
  #parts: PartStore;
  #cache: SegmentCache;
  #open = new Map<string, Buffer[]>();
  /** Closed and not yet given to the disk: msn → rendition → bytes. */
  #closed = new Map<number, Map<string, Buffer>>();

  constructor(folder: BroadcastFolder, parts: PartStore, cache: SegmentCache) {
    this.#folder = folder;
    this.#parts = parts;
    this.#cache = cache;
  }

  /** The newest part of a segment. */
  add(rendition: string, segment: EdgeSegment, bytes: Buffer): void {
    const key = `${rendition}/${segment.msn}`;
    const open = this.#open.get(key) ?? [];
    this.#open.set(key, open);
    open.push(bytes);
    this.#parts.put(this.#folder.file(rendition, segment.parts.at(-1)!.name), bytes);
  }

  /** All parts of a segment are there: it can be downloaded as a whole. */
  close(rendition: string, segment: EdgeSegment): void {
    const key = `${rendition}/${segment.msn}`;
    const parts = this.#open.get(key) ?? [];
    this.#open.delete(key);
    const whole = Buffer.concat(parts);
    let start = 0;
    for (const [index, { length }] of parts.entries()) {
      this.#parts.put(this.#folder.file(rendition, segment.parts[index]!.name), whole.subarray(start, start + length));
      start += length;
    }
    this.#cache.put(this.#folder.file(rendition, segmentFile(segment.msn)), whole);
    const closed = this.#closed.get(segment.msn) ?? new Map<string, Buffer>();
    this.#closed.set(segment.msn, closed);
    closed.set(rendition, whole);
  }

  /** What the disk gets of a segment number; afterwards it is forgotten here. */
  take(msn: number): Map<string, Buffer> {
    const closed = this.#closed.get(msn) ?? new Map<string, Buffer>();
    this.#closed.delete(msn);
    return closed;
  }
}
