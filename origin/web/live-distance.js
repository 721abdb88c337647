import { chooseRate, stalledTarget } from './catch-up.js';

/** The playback rate is looked at this often, with what was buffered in this many looks. */
const RATE_MS = 250;
const AHEAD_SAMPLES = 6;
/** After this long without running dry, one time of it is forgotten. */
const STALL_MEMORY_MS = 60_000;
/** The first seconds have one short segment to live on: to run dry there says nothing of the network. */
const START_MS = 5000;

/** Keeps a video at its distance from the live edge by its playback rate. Every stall makes the distance longer for a while. */
export class LiveDistance {
  #video;
  #now;
  #ahead = [];
  #latencies = [];
  #stalls = 0;
  #stalledAt = 0;
  #startedAt = Infinity;
  /** Target and part duration of the playlist, seconds. */
  #timing = { target: 0, part: 0 };

  /** @param now tells {hls, isLive, ahead, onPurpose}: seconds buffered from here on; the viewer wants to be behind */
  constructor(video, now) {
    this.#video = video;
    this.#now = now;
    setInterval(() => this.#adjust(), RATE_MS);
  }

  /** A new start: what was before counts no longer. */
  reset() {
    this.#ahead = [];
    this.#latencies = [];
    this.#stalls = 0;
    this.#startedAt = Infinity;
  }

  /** The picture moves. */
  playing() {
    this.#startedAt = Math.min(this.#startedAt, Date.now());
  }

  /** @param details hls.js's LevelDetails */
  loaded({ targetduration, partTarget }) {
    this.#timing = { target: targetduration, part: partTarget || targetduration };
  }

  /** The video ran dry. */
  stalled() {
    if (Date.now() - this.#startedAt < START_MS) return;
    this.#stalls++;
    this.#stalledAt = Date.now();
  }

  #adjust() {
    const video = this.#video;
    const { hls, isLive, ahead, onPurpose } = this.#now();
    if (!hls?.targetLatency || !hls.latency || video.paused || video.seeking) {
      this.#ahead = [];
      this.#latencies = [];
      return;
    }
    this.#ahead = [...this.#ahead, ahead].slice(-AHEAD_SAMPLES);
    // After a change of the quality hls.js knows an old edge of the new rendition for a moment, and seems to be far behind.
    this.#latencies = [...this.#latencies, hls.latency].slice(-AHEAD_SAMPLES);
    const latency = Math.min(...this.#latencies);
    this.#forgetStall();
    const { target: targetDuration, part } = this.#timing;
    const target = stalledTarget(hls.targetLatency, this.#stalls, part, targetDuration);
    const lowestAhead = Math.min(...this.#ahead);
    const range = target + targetDuration;
    const rate = isLive ? chooseRate({ latency, target, lowestAhead, range, onPurpose, rate: video.playbackRate }) : 1;
    if (rate !== video.playbackRate) video.playbackRate = rate;
  }

  #forgetStall() {
    if (this.#stalls === 0 || Date.now() - this.#stalledAt <= STALL_MEMORY_MS) return;
    this.#stalls--;
    this.#stalledAt = Date.now();
  }
}
