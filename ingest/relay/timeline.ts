type Track = 'audio' | 'video';

/** Where the relay's clock starts: room for audio that is a little older than the first picture. */
const START_MS = 1000;
/** A larger jump is a new clock of the encoder, not a gap: a publisher silent for that long is gone anyway. */
const MAX_GAP_MS = 10_000;
/** How far one track may lag behind the other in one connection's interleaving. */
const MAX_LAG_MS = 5000;
/** One track's own decoding times never go back; more than rounding is a new clock. */
const MAX_STEP_BACK_MS = 500;
/** What lies between the last picture of an old clock and the first of a new one: about one frame. */
const STEP_MS = 33;
const WRAP_MS = 2 ** 32;

/**
 * Makes one steadily growing clock of a publisher's times, whatever the encoder does: it starts near zero, wraps of
 * RTMP's 32 bits, jumps of an hour and steps back are taken out, and both tracks stay together, because a track that
 * jumps takes over the other's correction where that fits.
 */
export class Timeline {
  readonly #last: Record<Track, number | null> = { audio: null, video: null };
  readonly #offset: Record<Track, number> = { audio: 0, video: 0 };
  #started = false;
  #discontinuities = 0;

  /** How often the encoder's clock was corrected. */
  get discontinuities(): number {
    return this.#discontinuities;
  }

  /** The newest time given out, milliseconds. */
  get now(): number {
    return Math.max(this.#last.audio ?? 0, this.#last.video ?? 0);
  }

  /** The newest time that both tracks have reached, milliseconds; of the only one, where one alone has come. */
  get reached(): number {
    return Math.min(this.#last.audio ?? Infinity, this.#last.video ?? this.#last.audio ?? 0);
  }

  /** The relay's time of a message, milliseconds from START_MS on; never goes back within a track. */
  map(track: Track, timestampMs: number): number {
    if (!this.#started) {
      this.#started = true;
      this.#offset.audio = this.#offset.video = START_MS - timestampMs;
    }
    let mapped = timestampMs + this.#offset[track];
    if (!this.#fits(track, mapped)) {
      this.#offset[track] = this.#correction(track, timestampMs);
      const other = otherOf(track);
      if (this.#last[other] === null) this.#offset[other] = this.#offset[track];
      mapped = timestampMs + this.#offset[track];
    }
    const last = this.#last[track];
    const steady = Math.max(mapped, last ?? 0);
    this.#last[track] = steady;
    return steady;
  }

  #fits(track: Track, mapped: number): boolean {
    const own = this.#last[track];
    if (own === null && this.#last.audio === null && this.#last.video === null) return true;
    if (own !== null && mapped < own - MAX_STEP_BACK_MS) return false;
    return mapped >= this.now - MAX_LAG_MS && mapped <= this.now + MAX_GAP_MS && mapped >= 0;
  }

  #correction(track: Track, timestampMs: number): number {
    const own = this.#offset[track];
    const candidates = [own + WRAP_MS, own - WRAP_MS, this.#offset[otherOf(track)]];
    const fitting = candidates.find((offset) => this.#fits(track, timestampMs + offset));
    if (fitting !== undefined) return fitting;
    this.#discontinuities += 1;
    return this.now + STEP_MS - timestampMs;
  }
}

const otherOf = (track: Track): Track => (track === 'audio' ? 'video' : 'audio');
