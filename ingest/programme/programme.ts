import type { ServerResponse } from 'node:http';
import type { Logger } from '../../platform/log/logger.js';
import { restampedTag } from '../rtmp/flv.js';
import { FlvFanout } from '../relay/flv-fanout.js';
import type { IngestLimits } from '../limits.js';
import type { TrackConfigs } from '../relay/media-cache.js';
import { AUDIO_ENTRY_MS } from '../relay/media-relay.js';
import { codecNames, codecsOf, type MediaTag, readMediaTag, sameCodecs, type TrackCodecs } from '../rtmp/media-tag.js';
import { ProgrammeTimeline } from './programme-timeline.js';
import type { Publisher } from '../publish/publisher.js';
import type { Slate } from './slate.js';
import { SlateLoop } from './slate-loop.js';
import { startPace } from './slate-pace.js';

export interface ProgrammeOptions {
  /** Null: nothing is sent while no publisher is there. */
  slate: Slate | null;
  limits: IngestLimits;
  log: Logger;
  /** No reader is left, or their codecs do not fit any more. */
  over(): void;
}

/** The publisher a programme is on, or waits for the next keyframe of. */
interface Source {
  publisher: Publisher;
  /** Where it joined, on the programme's clock; null while it has not. */
  joinedMs: number | null;
  untap: () => void;
}

/** The slate while it plays. */
interface Playing {
  loop: SlateLoop;
  /** The programme's time that is due at a moment of the monotonic clock. */
  dueMs: (now: number) => number;
  timer: NodeJS.Timeout;
}

/** A few pictures at a time: platforms buffer seconds, and every wake-up costs. */
const TICK_MS = 100;

/**
 * What restreams of one stream send: its publishers one after another and the slate between them, on one clock. It
 * owns that clock, so all its readers get the same tags.
 */
export class Programme {
  readonly #options: ProgrammeOptions;
  readonly #fanout: FlvFanout;
  readonly #timeline = new ProgrammeTimeline();
  /** Set by the first source; readers have opened their decoders for these. */
  #codecs: TrackCodecs | null = null;
  #source: Source | null = null;
  #playing: Playing | null = null;
  /** When the publisher's newest media came in. */
  #edgeAt = performance.now();
  /** What the publisher had sent when it joined, beyond its keyframe. */
  #leadMs = 0;
  #lastEntryMs: number | null = null;
  #over = false;

  constructor(options: ProgrammeOptions) {
    this.#options = options;
    this.#fanout = new FlvFanout({
      // Only the newest keyframe is of use for a reader that joins.
      limits: { ...options.limits, cacheMs: 0 },
      log: options.log,
      batchMs: TICK_MS,
      deserted: () => this.end(),
    });
  }

  /** @param publisher the one that is there now, its media described */
  start(publisher: Publisher | null): void {
    if (publisher) this.join(publisher);
    else this.#playSlate();
  }

  get readers(): number {
    return this.#fanout.readers;
  }

  attach(response: ServerResponse, reader: string | null): void {
    this.#fanout.attach(response, 'newest', reader);
  }

  /** Wall clock (ms) at which the first frame came in that a reader which attaches now gets; null: it is yet to come. */
  get receivedAt(): number | null {
    return this.#fanout.cached('newest')?.receivedAt ?? null;
  }

  /** False: nobody reads by that name. */
  endReader(reader: string): boolean {
    return this.#fanout.endReader(reader);
  }

  /** A publisher whose media is described takes over at its newest keyframe, or at the next one. */
  join(publisher: Publisher): void {
    const { layout } = publisher;
    if (this.#over || !layout || !this.#fits(codecsOf(layout))) return;
    this.#source?.untap();
    const source: Source = { publisher, joinedMs: null, untap: () => undefined };
    this.#source = source;
    const returning = this.#playing !== null;
    source.untap = publisher.relay.tap((bytes, configs) => this.#take(source, bytes, configs));
    if (this.#over) source.untap();
    if (returning && source.joinedMs !== null) this.#leadMs = this.#timeline.edgeMs - source.joinedMs;
  }

  /** A publisher is gone. */
  leave(publisher: Publisher): void {
    if (this.#source?.publisher !== publisher) return;
    this.#source.untap();
    this.#source = null;
    this.#fanout.flush();
    if (!this.#playing) this.#playSlate();
  }

  /** Ends every reader (idempotent). */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#stopSlate();
    this.#source?.untap();
    this.#source = null;
    this.#fanout.end();
    this.#options.over();
  }

  /** Decoders of readers cannot change their codec: they end, and their restreams start again. */
  #fits(codecs: TrackCodecs): boolean {
    if (!this.#codecs) {
      this.#codecs = codecs;
      this.#fanout.announce({ audio: codecs.audio !== null, video: codecs.video !== null });
    }
    if (sameCodecs(this.#codecs, codecs)) return true;
    const change = { from: codecNames(this.#codecs), to: codecNames(codecs), readers: this.readers };
    this.#options.log.warn(change, 'programme ended: what is published has other codecs now');
    this.end();
    return false;
  }

  #take(source: Source, bytes: Buffer, configs: TrackConfigs): void {
    const tag = readMediaTag(bytes);
    const codecs = this.#codecs;
    if (this.#over || !tag || !codecs || codecs[tag.track] === null) return;
    if (tag.codec !== codecs[tag.track] && !this.#fits({ ...codecs, [tag.track]: tag.codec })) return;
    if (source.joinedMs === null) {
      if (!this.#isEntry(tag, null)) return;
      this.#begin(source, tag, configs);
    }
    if (tag.kind === 'config') {
      this.#fanout.configs = { ...this.#fanout.configs, [tag.track]: tag.payload };
      this.#fanout.write(restampedTag(bytes, this.#timeline.edgeMs), this.#timeline.edgeMs, false);
      return;
    }
    const timeMs = this.#timeline.map(tag);
    if (timeMs === null) return;
    this.#edgeAt = performance.now();
    this.#emit(tag, timeMs);
  }

  #begin(source: Source, first: MediaTag, configs: TrackConfigs): void {
    this.#advance();
    // Silence up to the first picture: the publisher's sound begins with it.
    const audio = this.#timeline.startMs(first) - this.#stepOfSilenceMs();
    this.#emitSlate({ video: -Infinity, audio });
    this.#stopSlate();
    source.joinedMs = this.#timeline.join(first);
    this.#splice(configs);
    const { publishId } = source.publisher.identity;
    this.#options.log.info({ publishId }, 'programme continues with the publisher');
  }

  #playSlate(): void {
    const { slate, log } = this.#options;
    if (this.#over || !slate || !this.#fits(slate.codecs)) return;
    const now = performance.now();
    const startMs = { video: this.#timeline.nextMs('video'), audio: this.#timeline.nextMs('audio') };
    this.#playing = {
      loop: new SlateLoop(slate, startMs),
      dueMs: startPace({ edgeMs: this.#timeline.edgeMs, edgeAt: this.#edgeAt, leadMs: this.#leadMs, now }),
      timer: setInterval(() => this.#advance(), TICK_MS),
    };
    this.#leadMs = 0;
    this.#splice(slate.configs);
    log.info('programme continues with the slate');
    const first = slate.video ? startMs.video : startMs.audio;
    this.#emitSlate({ video: first, audio: first });
    this.#advance();
  }

  #stopSlate(): void {
    clearInterval(this.#playing?.timer);
    this.#playing = null;
  }

  #advance(): void {
    if (!this.#playing) return;
    const dueMs = this.#playing.dueMs(performance.now());
    this.#emitSlate({ video: dueMs, audio: dueMs });
  }

  #emitSlate(untilMs: { video: number; audio: number }): void {
    for (const { tag, timeMs } of this.#playing?.loop.take(untilMs) ?? []) {
      this.#timeline.note(tag, timeMs);
      this.#emit(tag, timeMs);
    }
  }

  #stepOfSilenceMs(): number {
    return this.#options.slate?.audio?.stepMs ?? 0;
  }

  /** Sequence headers of what comes next, for those that read already. */
  #splice(configs: TrackConfigs): void {
    this.#fanout.configs = { ...configs };
    this.#fanout.writeConfigs(this.#timeline.edgeMs);
    this.#lastEntryMs = null;
  }

  #emit(tag: MediaTag, timeMs: number): void {
    const entry = this.#isEntry({ ...tag, timeMs }, this.#lastEntryMs);
    if (entry) this.#lastEntryMs = timeMs;
    this.#fanout.write(restampedTag(tag.bytes, timeMs), timeMs, entry);
  }

  #isEntry({ kind, timeMs }: Pick<MediaTag, 'kind' | 'timeMs'>, lastEntryMs: number | null): boolean {
    if (this.#codecs?.video) return kind === 'keyframe';
    return kind === 'frame' && (lastEntryMs === null || timeMs - lastEntryMs >= AUDIO_ENTRY_MS);
  }
}
