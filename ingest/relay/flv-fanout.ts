import type { ServerResponse } from 'node:http';
import type { Logger } from '../../platform/log/logger.js';
import { FLV_AUDIO, FLV_VIDEO, flvHeader, flvTag } from '../rtmp/flv.js';
import type { IngestLimits } from '../limits.js';
import { type CachedStart, MediaCache, type TrackConfigs } from './media-cache.js';

/** Where a reader begins: with everything kept, the newest entry point, the next one to come, or the one at or before a time (ms). */
export type ReaderStart = 'first' | 'newest' | 'next' | { sinceMs: number };

interface Reader {
  /** For `endReader`. */
  name: string | null;
  response: ServerResponse;
  /** Has the file header. */
  opened: boolean;
  /** Gets tags now; else it waits for the next entry point. */
  flowing: boolean;
  began: ((timeMs: number) => void) | null;
}

export interface FlvFanoutOptions {
  limits: Pick<IngestLimits, 'cacheBytes' | 'cacheMs' | 'readerBytes'>;
  log: Logger;
  /** Tags go out together each so many milliseconds: every packet that wakes a reader costs CPU. 0: each at once. */
  batchMs?: number;
  /** The last reader has gone. */
  deserted?(): void;
}

/** FLV over HTTP for any number of readers. Every tag is built once and shared by cache and readers. */
export class FlvFanout {
  /** The sequence headers of what is written now. */
  configs: TrackConfigs = { video: null, audio: null };
  readonly #options: FlvFanoutOptions;
  readonly #cache: MediaCache;
  readonly #readers = new Set<Reader>();
  /** Readers that have got something since the last batch went out. */
  readonly #corked = new Set<ServerResponse>();
  #batch: NodeJS.Timeout | null = null;
  #header: Buffer | null = null;
  #ended = false;

  constructor(options: FlvFanoutOptions) {
    this.#options = options;
    this.#cache = new MediaCache(options.limits);
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** Which tracks there are; readers get nothing before that is known. */
  announce(tracks: { audio: boolean; video: boolean }): void {
    this.#header = flvHeader(tracks);
    for (const reader of this.#readers) this.#open(reader);
  }

  /**
   * Answers a reader until `end`. Without content length and chunks: the body ends with the connection, so a tag goes
   * out as it is.
   */
  attach(response: ServerResponse, start: ReaderStart, name: string | null = null, began: Reader['began'] = null): void {
    response.shouldKeepAlive = false;
    response.removeHeader('transfer-encoding');
    response.writeHead(200, { 'content-type': 'video/x-flv', 'cache-control': 'no-store', connection: 'close' });
    response.flushHeaders();
    const reader: Reader = { name, response, opened: false, flowing: false, began };
    this.#open(reader);
    if (this.#ended) {
      response.end();
      return;
    }
    const cached = this.cached(start);
    if (cached) {
      this.#begin(reader, cached.startMs, cached.configs);
      for (const tag of cached.tags) response.write(tag);
    }
    this.#readers.add(reader);
    response.once('close', () => {
      this.#readers.delete(reader);
      if (this.#readers.size === 0) this.#options.deserted?.();
    });
  }

  /**
   * Hands out one tag.
   *
   * @param timeMs its time, milliseconds
   * @param entry whether a decoder can start with it
   */
  write(tag: Buffer, timeMs: number, entry: boolean): void {
    if (entry) this.#cache.enter(timeMs, this.configs);
    this.#cache.add(tag, timeMs, Date.now());
    for (const reader of this.#readers) this.#send(reader, tag, entry ? timeMs : null);
  }

  /** Hands out the sequence headers once more, before other media follows. */
  writeConfigs(timeMs: number): void {
    for (const reader of this.#readers) if (reader.flowing) this.#begin(reader, timeMs, this.configs);
  }

  /** What a reader that begins so gets at once; null: it waits for an entry point. */
  cached(start: ReaderStart): CachedStart | null {
    if (typeof start === 'object') return this.#cache.since(start.sinceMs);
    if (start === 'next') return null;
    return start === 'first' ? this.#cache.start() : this.#cache.newest();
  }

  /** Readers that come later begin with what follows. */
  forget(): void {
    this.#cache.clear();
  }

  /** The readers of that name get what was written, then the end. False: there is none. */
  endReader(name: string): boolean {
    const named = [...this.#readers].filter((reader) => reader.name === name);
    this.flush();
    for (const reader of named) {
      this.#readers.delete(reader);
      reader.response.end();
    }
    return named.length > 0;
  }

  /** What waits for the next batch goes out now. */
  flush(): void {
    if (this.#batch) clearTimeout(this.#batch);
    this.#batch = null;
    for (const response of this.#corked) response.uncork();
    this.#corked.clear();
  }

  /** Every reader gets what was written, then the end. */
  end(): void {
    this.#ended = true;
    this.flush();
    for (const { response } of this.#readers) response.end();
    this.#readers.clear();
    this.#cache.clear();
  }

  #open(reader: Reader): void {
    if (reader.opened || !this.#header) return;
    reader.opened = true;
    reader.response.write(this.#header);
  }

  #send(reader: Reader, tag: Buffer, entryMs: number | null): void {
    if (!reader.flowing && entryMs === null) return;
    this.#cork(reader.response);
    if (!reader.flowing && entryMs !== null) this.#begin(reader, entryMs, this.configs);
    reader.response.write(tag);
    const lagBytes = reader.response.writableLength;
    if (lagBytes <= this.#options.limits.readerBytes) return;
    this.#readers.delete(reader);
    this.#options.log.warn({ lagBytes }, 'relay reader dropped: it reads slower than the publisher sends');
    reader.response.destroy();
  }

  /** What is written from now on waits for the next batch. */
  #cork(response: ServerResponse): void {
    const { batchMs } = this.#options;
    if (!batchMs || this.#corked.has(response)) return;
    response.cork();
    this.#corked.add(response);
    this.#batch ??= setTimeout(() => this.flush(), batchMs);
  }

  #begin(reader: Reader, timeMs: number, configs: TrackConfigs): void {
    if (!reader.flowing) reader.began?.(timeMs);
    reader.flowing = true;
    if (configs.video) reader.response.write(flvTag(FLV_VIDEO, timeMs, configs.video));
    if (configs.audio) reader.response.write(flvTag(FLV_AUDIO, timeMs, configs.audio));
  }
}
