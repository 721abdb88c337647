import type { ServerResponse } from 'node:http';
import type { RelayStart } from '../contracts/ingest-control.js';
import type { SourceLayout } from '../domain/source.js';
import type { Logger } from '../log/logger.js';
import { FLV_AUDIO, FLV_VIDEO, flvHeader, flvTag } from './flv.js';
import type { IngestLimits } from './limits.js';
import { MediaCache, type TrackConfigs } from './media-cache.js';

/** Without video every audio frame is a place to start; one a second keeps the newest start recent. */
const AUDIO_ENTRY_MS = 1000;

interface Reader {
  response: ServerResponse;
  /** Gets tags now; else it waits for the next entry point. */
  flowing: boolean;
}

export interface RelayedMessage {
  track: 'audio' | 'video';
  kind: 'config' | 'keyframe' | 'frame' | 'ignored';
  /** Milliseconds on the publish's own clock. */
  timeMs: number;
  /** The RTMP message, copied once here. */
  payload: Buffer;
}

/** One publisher's media for its readers, as FLV over HTTP. Every tag is built once and shared by cache and readers. */
export class MediaRelay {
  readonly #log: Logger;
  readonly #readerBytes: number;
  readonly #cache: MediaCache;
  readonly #readers = new Set<Reader>();
  readonly #configs: TrackConfigs = { video: null, audio: null };
  #videoSeen = false;
  #lastEntryMs: number | null = null;
  #ended = false;

  constructor(limits: IngestLimits, log: Logger) {
    this.#log = log;
    this.#readerBytes = limits.readerBytes;
    this.#cache = new MediaCache(limits);
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** Takes one message, in the order of arrival. */
  write({ track, kind, timeMs, payload }: RelayedMessage): void {
    if (track === 'video' && !this.#videoSeen) {
      // What came before was taken for audio only; the broadcast begins with the first picture.
      this.#videoSeen = true;
      this.#cache.clear();
    }
    if (kind === 'config') {
      if (this.#configs[track]?.equals(payload)) return;
      this.#configs[track] = Buffer.from(payload);
    }
    const tag = flvTag(track === 'video' ? FLV_VIDEO : FLV_AUDIO, timeMs, payload);
    const entry = this.#isEntry(track, kind, timeMs);
    if (entry) {
      this.#lastEntryMs = timeMs;
      this.#cache.enter(timeMs, this.#configs);
    }
    this.#cache.add(tag, timeMs);
    for (const reader of this.#readers) this.#send(reader, tag, entry ? timeMs : null);
  }

  /**
   * Answers a reader until the publisher is gone. Without content length and chunks: the body ends with the
   * connection, so a tag goes out as it is.
   */
  attach(response: ServerResponse, start: RelayStart, layout: SourceLayout): void {
    response.shouldKeepAlive = false;
    response.removeHeader('transfer-encoding');
    response.writeHead(200, { 'content-type': 'video/x-flv', 'cache-control': 'no-store', connection: 'close' });
    response.write(flvHeader({ audio: layout.audio !== null, video: layout.video !== null }));
    if (this.#ended) {
      response.end();
      return;
    }
    const reader: Reader = { response, flowing: false };
    const cached = start === 'cache' ? this.#cache.start() : null;
    if (cached) {
      this.#begin(reader, cached.startMs, cached.configs);
      for (const tag of cached.tags) response.write(tag);
    }
    this.#readers.add(reader);
    response.once('close', () => this.#readers.delete(reader));
  }

  /** The publisher is gone: every reader gets what was written, then the end. */
  end(): void {
    this.#ended = true;
    for (const { response } of this.#readers) response.end();
    this.#readers.clear();
    this.#cache.clear();
  }

  #isEntry(track: 'audio' | 'video', kind: RelayedMessage['kind'], timeMs: number): boolean {
    if (kind === 'keyframe') return true;
    if (this.#videoSeen || track !== 'audio' || kind !== 'frame') return false;
    return this.#lastEntryMs === null || timeMs - this.#lastEntryMs >= AUDIO_ENTRY_MS;
  }

  #send(reader: Reader, tag: Buffer, entryMs: number | null): void {
    if (!reader.flowing) {
      if (entryMs === null) return;
      this.#begin(reader, entryMs, this.#configs);
    }
    reader.response.write(tag);
    const lagBytes = reader.response.writableLength;
    if (lagBytes <= this.#readerBytes) return;
    this.#readers.delete(reader);
    this.#log.warn({ lagBytes }, 'relay reader dropped: it reads slower than the publisher sends');
    reader.response.destroy();
  }

  #begin(reader: Reader, timeMs: number, configs: TrackConfigs): void {
    reader.flowing = true;
    if (configs.video) reader.response.write(flvTag(FLV_VIDEO, timeMs, configs.video));
    if (configs.audio) reader.response.write(flvTag(FLV_AUDIO, timeMs, configs.audio));
  }
}
