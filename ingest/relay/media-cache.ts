/** The newest sequence headers, as RTMP payloads; null while none came. */
export interface TrackConfigs {
  video: Buffer | null;
  audio: Buffer | null;
}

/** Tags from one point where a decoder can start, to the next. */
interface Span {
  /** What a decoder needs to know before the first tag. */
  configs: TrackConfigs;
  startMs: number;
  receivedAt: number;
  tags: Buffer[];
  bytes: number;
}

/** Where a late reader begins. */
export interface CachedStart {
  configs: TrackConfigs;
  startMs: number;
  /**
   * Wall clock (ms) at which the first tag came in, or would have, had it come as promptly as the most prompt of the
   * tags behind it: an encoder's first frames wait for its connection, and it makes up for that at once.
   */
  receivedAt: number;
  tags: Buffer[];
}

/**
 * The media a late reader gets first. As long as everything since the publish's first keyframe fits, it begins there,
 * so that a slow start loses no picture; afterwards with the newest keyframe.
 */
export class MediaCache {
  readonly #maxBytes: number;
  readonly #maxMs: number;
  #spans: Span[] = [];
  #bytes = 0;
  #fromFirst = true;

  constructor(limits: { cacheBytes: number; cacheMs: number }) {
    this.#maxBytes = limits.cacheBytes;
    this.#maxMs = limits.cacheMs;
  }

  /** Opens a span: the next tag is one a decoder can start with. */
  enter(timeMs: number, configs: TrackConfigs): void {
    // The one before stays as well: a reader that has died since is continued from there.
    if (!this.#fromFirst) this.#keepNewest();
    this.#spans.push({ configs: { ...configs }, startMs: timeMs, receivedAt: Infinity, tags: [], bytes: 0 });
  }

  /**
   * Keeps a tag; one that comes before any entry point is of no use and dropped.
   *
   * @param receivedAt wall clock (ms) now
   */
  add(tag: Buffer, timeMs: number, receivedAt: number): void {
    const span = this.#spans.at(-1);
    if (!span) return;
    span.tags.push(tag);
    span.receivedAt = Math.min(span.receivedAt, receivedAt - (timeMs - span.startMs));
    span.bytes += tag.length;
    this.#bytes += tag.length;
    const keptMs = timeMs - (this.#spans[0]?.startMs ?? timeMs);
    if (this.#fromFirst && (this.#bytes > this.#maxBytes || keptMs > this.#maxMs)) {
      this.#fromFirst = false;
      this.#keepNewest();
    }
    if (this.#bytes > this.#maxBytes) this.#keepNewest();
    // One span alone above the bound: wait for the next entry point.
    if (this.#bytes > this.#maxBytes) this.clear();
  }

  clear(): void {
    this.#spans = [];
    this.#bytes = 0;
  }

  /** Null while there is no entry point to begin with. */
  start(): CachedStart | null {
    return this.#from(this.#fromFirst ? 0 : this.#spans.length - 1);
  }

  /** From the newest entry point at or before `timeMs`, or the newest of all; null while there is none. */
  since(timeMs: number): CachedStart | null {
    const index = this.#spans.findLastIndex(({ startMs }) => startMs <= timeMs);
    return this.#from(index < 0 ? this.#spans.length - 1 : index);
  }

  #from(index: number): CachedStart | null {
    const spans = this.#spans.slice(Math.max(0, index));
    const [first] = spans;
    if (!first) return null;
    const { configs, startMs } = first;
    const receivedAt = Math.min(...spans.map((span) => span.receivedAt - (span.startMs - startMs)));
    return { configs, startMs, receivedAt, tags: spans.flatMap((span) => span.tags) };
  }

  #keepNewest(): void {
    this.#spans = this.#spans.slice(-1);
    this.#bytes = this.#spans[0]?.bytes ?? 0;
  }

  /** The newest entry point and what came since; null while there is none. */
  newest(): CachedStart | null {
    return this.#spans.at(-1) ?? null;
  }
}
