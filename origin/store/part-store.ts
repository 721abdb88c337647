/** A listed part stays listed for some seconds and then downloadable for three target durations more (RFC 8216bis 6.2.2). */
const KEPT_MS = 40_000;
const SWEEP_MS = 5000;

export interface StoredPart {
  bytes: Buffer;
  /** Wall clock (ms) at which it was listed. */
  at: number;
}

/** Parts near the live edge of all broadcasts, in memory only: on disk there are whole segments. */
export class PartStore {
  #parts = new Map<string, StoredPart>();
  #timer = setInterval(() => this.sweep(Date.now()), SWEEP_MS).unref();

  /** A part that is put again (its bytes now inside its segment's) keeps its age. */
  put(path: string, bytes: Buffer): void {
    const known = this.#parts.get(path);
    if (known) known.bytes = bytes;
    else this.#parts.set(path, { bytes, at: Date.now() });
  }

  get(path: string): StoredPart | undefined {
    return this.#parts.get(path);
  }

  get size(): number {
    return this.#parts.size;
  }

  /** Drops what is older than it needs to be kept. Parts come in in the order of time. */
  sweep(now: number): void {
    for (const [path, { at }] of this.#parts) {
      if (now - at < KEPT_MS) return;
      this.#parts.delete(path);
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#parts.clear();
  }
}
