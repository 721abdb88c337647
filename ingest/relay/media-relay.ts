import type { ServerResponse } from 'node:http';
import type { RelayReader } from '../../domain/contracts/ingest-control.js';
import type { SourceLayout } from '../../domain/source.js';
import type { Logger } from '../../platform/log/logger.js';
import { FLV_AUDIO, FLV_VIDEO, flvTag } from '../rtmp/flv.js';
import { FlvFanout, type ReaderStart } from './flv-fanout.js';
import type { IngestLimits } from '../limits.js';
import type { TrackConfigs } from './media-cache.js';

/** Without video every audio frame is a place to start; one a second keeps the newest start recent. */
export const AUDIO_ENTRY_MS = 1000;

/** An encoder is continued by the next one; older ones are of no use to anybody. */
const MAX_REMEMBERED_READERS = 8;

export interface RelayedMessage {
  track: 'audio' | 'video';
  kind: 'config' | 'keyframe' | 'frame' | 'ignored';
  /** Milliseconds on the publish's own clock. */
  timeMs: number;
  /** The RTMP message, copied once here. */
  payload: Buffer;
}

const readerStart = ({ start, fromMs }: Pick<RelayReader, 'start' | 'fromMs'>): ReaderStart =>
  start === 'resume' ? { sinceMs: fromMs } : start === 'cache' ? 'first' : 'next';

/** Gets each tag, and the sequence headers that hold when it comes. */
export type RelayTap = (tag: Buffer, configs: TrackConfigs) => void;

/** One publisher's media as FLV: for readers over HTTP, and for the programmes of its stream. */
export class MediaRelay {
  readonly #fanout: FlvFanout;
  readonly #taps = new Set<RelayTap>();
  readonly #starts = new Map<string, number>();
  /** Names of the readers that copy. */
  readonly #copies = new Set<string>();
  #isCopyable = true;
  #videoSeen = false;
  #lastEntryMs: number | null = null;

  constructor(limits: IngestLimits, log: Logger) {
    this.#fanout = new FlvFanout({ limits, log });
  }

  get readers(): number {
    return this.#fanout.readers;
  }

  /** Takes one message, in the order of arrival. */
  write({ track, kind, timeMs, payload }: RelayedMessage): void {
    const fanout = this.#fanout;
    if (track === 'video' && !this.#videoSeen) {
      // What came before was taken for audio only; the broadcast begins with the first picture.
      this.#videoSeen = true;
      fanout.forget();
    }
    if (kind === 'config') {
      if (fanout.configs[track]?.equals(payload)) return;
      fanout.configs = { ...fanout.configs, [track]: Buffer.from(payload) };
    }
    const tag = flvTag(track === 'video' ? FLV_VIDEO : FLV_AUDIO, timeMs, payload);
    const entry = this.#isEntry(track, kind, timeMs);
    if (entry) this.#lastEntryMs = timeMs;
    fanout.write(tag, timeMs, entry);
    for (const tap of this.#taps) tap(tag, fanout.configs);
  }

  /** Answers a reader until the publisher is gone. */
  attach(response: ServerResponse, { start, fromMs, name, copies }: RelayReader, layout: SourceLayout): void {
    this.#fanout.announce({ audio: layout.audio !== null, video: layout.video !== null });
    this.#fanout.attach(response, readerStart({ start, fromMs }), name, (timeMs) =>
      this.#remember(name, start === 'resume' ? Math.max(timeMs, fromMs) : timeMs),
    );
    if (!copies || name === null) return;
    this.#copies.add(name);
    if (!this.#isCopyable) this.endCopies();
  }

  /** What comes next does not fit behind what was sent: readers that copy it get no more. */
  endCopies(): void {
    this.#isCopyable = false;
    for (const name of this.#copies) this.#fanout.endReader(name);
    this.#copies.clear();
  }

  /**
   * Wall clock (ms) at which the first frame came in that a reader which asks so now is to show; null: it is yet to come.
   * Of `resume` that is the frame at `fromMs`, not the keyframe before it.
   */
  receivedAt({ start, fromMs }: Pick<RelayReader, 'start' | 'fromMs'>): number | null {
    const cached = this.#fanout.cached(readerStart({ start, fromMs }));
    if (!cached) return null;
    return cached.receivedAt + (start === 'resume' ? Math.max(0, fromMs - cached.startMs) : 0);
  }

  /** The same of what `tap` begins with. */
  get newestReceivedAt(): number | null {
    return this.#fanout.cached('newest')?.receivedAt ?? null;
  }

  /** Named readers → where their media begins, milliseconds. */
  get starts(): Record<string, number> {
    return Object.fromEntries(this.#starts);
  }

  #remember(name: string | null, startMs: number): void {
    if (name === null) return;
    this.#starts.set(name, startMs);
    const oldest = this.#starts.keys().next().value;
    if (this.#starts.size > MAX_REMEMBERED_READERS && oldest !== undefined) this.#starts.delete(oldest);
  }

  /** Hears what came since the newest entry point, at once, then every further tag; returns what ends that. */
  tap(tap: RelayTap): () => void {
    const cached = this.#fanout.cached('newest');
    for (const tag of cached?.tags ?? []) tap(tag, cached?.configs ?? this.#fanout.configs);
    this.#taps.add(tap);
    return () => this.#taps.delete(tap);
  }

  /** The publisher is gone: every reader gets what was written, then the end. */
  end(): void {
    this.#fanout.end();
    this.#taps.clear();
  }

  #isEntry(track: 'audio' | 'video', kind: RelayedMessage['kind'], timeMs: number): boolean {
    if (kind === 'keyframe') return true;
    if (this.#videoSeen || track !== 'audio' || kind !== 'frame') return false;
    return this.#lastEntryMs === null || timeMs - this.#lastEntryMs >= AUDIO_ENTRY_MS;
  }
}
