/** A keyframe may lie this far beside its grid point, as a share of the shorter of the segments beside it; ours are exact to a frame. */
const TOLERANCE = 0.25;

export interface CutGridTimes {
  /** Seconds between two grid points. */
  gopSeconds: number;
  /** Seconds between the first two, if they are nearer; the third is `gopSeconds` after the first all the same. */
  firstGopSeconds?: number | undefined;
}

/**
 * The instants at which every rendition of one encoder run cuts, T0 + n * gopSeconds, and one soon after T0, so that
 * there is a segment to play early. T0 is the presentation time of the first video keyframe (of the first frame, without
 * video). The grid follows the keyframes that really come, so that a rounding in the encoder cannot add up over hours.
 */
export class CutGrid {
  readonly gopSeconds: number;
  readonly #firstGopSeconds: number | null;
  /** T0, seconds. */
  #start: number | null = null;
  /** The point that all later ones are counted from. */
  #anchor = { index: 0, time: 0 };
  #onStart: (time: number) => void;

  /** @param onStart told T0 (seconds) when the first keyframe has come in */
  constructor({ gopSeconds, firstGopSeconds }: CutGridTimes, onStart: (time: number) => void = () => undefined) {
    this.gopSeconds = gopSeconds;
    this.#firstGopSeconds = firstGopSeconds ?? null;
    this.#onStart = onStart;
  }

  get started(): boolean {
    return this.#start !== null;
  }

  /** First keyframe of the run; later calls change nothing. */
  start(time: number): void {
    if (this.#start !== null) return;
    this.#start = time;
    this.#anchor = { index: this.#extra, time };
    this.#onStart(time);
  }

  /** A rendition has cut here. The first one to reach an index moves the grid to it. */
  reached(index: number, time: number): void {
    if (this.#start !== null && index > this.#anchor.index) this.#anchor = { index, time };
  }

  /** The grid point nearest to this time, and whether the time is near enough to cut there. */
  nearest(time: number): { index: number; onGrid: boolean } {
    const distance = (index: number): number => Math.abs(this.timeOf(index) - time);
    const before = this.at(time, 0);
    const index = distance(before) <= distance(before + 1) ? before : before + 1;
    const beside = Math.min(this.secondsOf(index - 1), this.secondsOf(index));
    return { index, onGrid: distance(index) <= TOLERANCE * beside };
  }

  /** The last grid point at or before this time, negative before the first; `tolerance` seconds before a point count as at it. */
  at(time: number, tolerance: number): number {
    const { index, time: anchored } = this.#origin;
    const regular = index + Math.floor((time + tolerance - anchored) / this.gopSeconds);
    // The points before the third are counted from T0, where the early one lies between.
    if (regular > this.#extra || this.#firstGopSeconds === null) return regular;
    if (regular < this.#extra) return regular - this.#extra;
    return time + tolerance >= this.timeOf(1) ? 1 : 0;
  }

  /** Presentation time of a grid point, seconds. */
  timeOf(index: number): number {
    const { index: anchor, time } = this.#origin;
    if (this.#firstGopSeconds !== null && this.#start !== null && index <= 1) {
      return index === 1 ? this.#start + this.#firstGopSeconds : this.#start + index * this.gopSeconds;
    }
    return time + (index - anchor) * this.gopSeconds;
  }

  /** Seconds of the segment that begins at a grid point. */
  secondsOf(index: number): number {
    return this.timeOf(index + 1) - this.timeOf(index);
  }

  /** Grid points beyond the regular ones. */
  get #extra(): number {
    return this.#firstGopSeconds === null ? 0 : 1;
  }

  get #origin(): { index: number; time: number } {
    if (this.#start === null) throw new Error('the cut grid has not started');
    return this.#anchor;
  }
}
