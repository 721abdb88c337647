/**
 * The newest segments in memory: nearly all viewers are at the live edge, and what they ask for is not read back from
 * disk. Bounded by bytes over all broadcasts; the oldest goes first. Each has memory of its own: a view of something
 * larger would keep all of that alive, and `bytes` would not know.
 */
export class SegmentCache {
  bytes = 0;
  #limit: number;
  #entries = new Map<string, Buffer>();

  /** @param limit bytes */
  constructor(limit: number) {
    this.#limit = limit;
  }

  put(path: string, segment: Buffer): void {
    this.delete(path);
    this.#entries.set(path, owned(segment));
    this.bytes += segment.length;
    for (const oldest of this.#entries.keys()) {
      if (this.bytes <= this.#limit) return;
      this.delete(oldest);
    }
  }

  get(path: string): Buffer | undefined {
    return this.#entries.get(path);
  }

  delete(path: string): void {
    const segment = this.#entries.get(path);
    if (segment && this.#entries.delete(path)) this.bytes -= segment.length;
  }

  /** Forgets everything under a folder. */
  deleteUnder(folder: string): void {
    for (const path of this.#entries.keys()) if (path.startsWith(folder)) this.delete(path);
  }
}

function owned(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength === bytes.length) return bytes;
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
