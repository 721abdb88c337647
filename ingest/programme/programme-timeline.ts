import type { Track } from '../rtmp/media-tag.js';

/** What the timeline has to know of one message. */
export interface TimedMedia {
  track: Track;
  /** Decoding time on its source's own clock, milliseconds. */
  timeMs: number;
  /** Milliseconds from decoding to showing. */
  compositionMs: number;
}

/** How far one track of the programme has come. */
interface TrackEnd {
  timeMs: number;
  /** When the last of its pictures is shown; B-frames are decoded after pictures that are shown later. */
  shownMs: number;
  /** From one message to the next. */
  stepMs: number;
}

/** Until two messages have come: 30 pictures a second, and 1024 samples at 48 kHz. */
const USUAL_STEP_MS: Record<Track, number> = { video: 33, audio: 21 };
/** More than between two pictures of the slowest camera is a gap, not a step. */
const MAX_STEP_MS = 200;
/** B-frames delay by a few pictures; more is an encoder's mistake and must not tear a hole at the next splice. */
const MAX_COMPOSITION_MS = 1000;

/**
 * The clock of one programme: sources come one after another, each with its own clock, and each is put right behind
 * the one before, so that times never go back and never jump.
 */
export class ProgrammeTimeline {
  readonly #ends: Record<Track, TrackEnd | null> = { audio: null, video: null };
  #offsetMs = 0;
  #fromMs = 0;

  /** The newest time given out, milliseconds; 0 before the first. */
  get edgeMs(): number {
    return Math.max(this.#ends.audio?.timeMs ?? 0, this.#ends.video?.timeMs ?? 0);
  }

  /** The first time the next message of a track may have: one step on, and shown after everything before it. */
  nextMs(track: Track, compositionMs = 0): number {
    const end = this.#ends[track];
    return end ? Math.max(end.timeMs, end.shownMs - bounded(compositionMs)) + end.stepMs : 0;
  }

  /** Where a source that begins with this message continues: behind both tracks, which it keeps together. */
  startMs({ track, compositionMs }: TimedMedia): number {
    return Math.max(this.nextMs(track, compositionMs), this.nextMs(track === 'video' ? 'audio' : 'video'));
  }

  /** From here on messages are of a source that begins with this one; returns the time it has now. */
  join(first: TimedMedia): number {
    const startMs = this.startMs(first);
    this.#offsetMs = startMs - first.timeMs;
    this.#fromMs = first.timeMs;
    return startMs;
  }

  /** The programme's time of a message of the source; null for sound older than the picture it began with. */
  map(media: TimedMedia): number | null {
    if (media.timeMs < this.#fromMs) return null;
    const timeMs = media.timeMs + this.#offsetMs;
    this.note(media, timeMs);
    return timeMs;
  }

  /** A message was sent with a time of the programme's own clock. */
  note({ track, compositionMs }: TimedMedia, timeMs: number): void {
    const end = this.#ends[track];
    const stepMs = end ? timeMs - end.timeMs : 0;
    this.#ends[track] = {
      timeMs,
      shownMs: Math.max(end?.shownMs ?? 0, timeMs + bounded(compositionMs)),
      stepMs: stepMs > 0 && stepMs <= MAX_STEP_MS ? stepMs : (end?.stepMs ?? USUAL_STEP_MS[track]),
    };
  }
}

const bounded = (compositionMs: number): number => Math.min(Math.max(compositionMs, 0), MAX_COMPOSITION_MS);
