import { HoldfastError } from '../../domain/errors.js';
import type { SourceLayout } from '../../domain/source.js';

/** What one publisher may send. */
export interface SourceLimits {
  /** Pixels of the longer side, and of the shorter: the picture may be upright. */
  maxLongSide: number;
  maxShortSide: number;
  /** Frames per second. */
  maxFrameRate: number;
  /** Bits per second, over BURST_SECONDS. */
  maxBitrate: number;
}

/** Frame rates are measured: 60 may show as 60.2. */
const FRAME_RATE_TOLERANCE = 1.02;
/** What came together may be sent together: an encoder that lost its network for a while catches up. */
const BURST_SECONDS = 30;
const BITS_PER_BYTE = 8;
const MS_PER_SECOND = 1000;
const BITS_PER_MEGABIT = 1_000_000;

/** @throws HoldfastError publish_over_limit, naming what is too much and the limit */
export function checkSource({ video }: SourceLayout, { maxLongSide, maxShortSide, maxFrameRate }: SourceLimits): void {
  if (!video) return;
  const { width, height, frameRate } = video;
  if (Math.max(width, height) > maxLongSide || Math.min(width, height) > maxShortSide) {
    throw overLimit(`a picture of ${width}x${height}; the largest is ${maxLongSide}x${maxShortSide}`);
  }
  if (frameRate > maxFrameRate * FRAME_RATE_TOLERANCE) {
    throw overLimit(`${Math.round(frameRate)} frames per second; the most are ${maxFrameRate}`);
  }
}

/** Counts a publisher's bytes against its bit rate: a bucket that drains at the limit and holds BURST_SECONDS of it. */
export class BitrateLimit {
  readonly #maxBitrate: number;
  #filled = 0;
  #at: number;

  /** @param nowMs any steady clock, milliseconds */
  constructor(maxBitrate: number, nowMs: number) {
    this.#maxBitrate = maxBitrate;
    this.#at = nowMs;
  }

  /** @throws HoldfastError publish_over_limit */
  add(bytes: number, nowMs: number): void {
    const drained = ((nowMs - this.#at) / MS_PER_SECOND) * this.#maxBitrate;
    this.#at = nowMs;
    this.#filled = Math.max(0, this.#filled - drained) + bytes * BITS_PER_BYTE;
    if (this.#filled > this.#maxBitrate * BURST_SECONDS) {
      throw overLimit(`more than ${this.#maxBitrate / BITS_PER_MEGABIT} Mbit/s`);
    }
  }
}

const overLimit = (what: string): HoldfastError =>
  new HoldfastError('publish_over_limit', `The encoder sends more than this host takes: ${what}.`);
