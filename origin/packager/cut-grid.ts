/** Seconds a keyframe may lie beside its grid point, as a share of the GOP; encoders of ours are exact to a frame. */
const TOLERANCE = 0.25;

/**
 * The instants at which every rendition of one encoder run cuts, T0 + n * gopSeconds. T0 is the presentation time of
 * the first video keyframe (of the first frame, without video). The grid follows the keyframes that really come, so
 * that a rounding in the encoder cannot add up over hours.
 */
export class CutGrid {
  readonly gopSeconds: number;
  #anchor: { index: number; time: number } | null = null;
  #onStart: (time: number) => void;

  /** @param onStart told T0 (seconds) when the first keyframe has come in */
  constructor(gopSeconds: number, onStart: (time: number) => void = () => undefined) {
    this.gopSeconds = gopSeconds;
    this.#onStart = onStart;
  }

  get started(): boolean {
    return this.#anchor !== null;
  }

  /** First keyframe of the run; later calls change nothing. */
  start(time: number): void {
    if (this.#anchor) return;
    this.#anchor = { index: 0, time };
    this.#onStart(time);
  }

  /** A rendition has cut here. The first one to reach an index moves the grid to it. */
  reached(index: number, time: number): void {
    if (this.#anchor && index > this.#anchor.index) this.#anchor = { index, time };
  }

  /** The grid point nearest to this time, and whether the time is near enough to cut there. */
  nearest(time: number): { index: number; onGrid: boolean } {
    const steps = (time - this.#origin.time) / this.gopSeconds;
    const rounded = Math.round(steps);
    return { index: this.#origin.index + rounded, onGrid: Math.abs(steps - rounded) <= TOLERANCE };
  }

  /** The last grid point at or before this time; `tolerance` seconds before a point count as at it. */
  at(time: number, tolerance: number): number {
    return this.#origin.index + Math.floor((time + tolerance - this.#origin.time) / this.gopSeconds);
  }

  /** Presentation time of a grid point, seconds. */
  timeOf(index: number): number {
    return this.#origin.time + (index - this.#origin.index) * this.gopSeconds;
  }

  get #origin(): { index: number; time: number } {
    if (!this.#anchor) throw new Error('the cut grid has not started');
    return this.#anchor;
  }
}
