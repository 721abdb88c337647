/** Rates cameras and encoders run at; whole ones first, so that a tie of 30 and 29.97 goes to 30. */
const STANDARD_RATES = [5, 10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120, 144, 12.5, 14.985, 23.976, 29.97, 47.952, 59.94, 119.88];

/** Frames from which a rate that agrees with the announced one is believed. */
const AGREEING_FRAMES = 4;
const AGREEMENT = 0.05;
/**
 * Frames, evenly spaced, from which a rate is believed on its own. FLV times are whole milliseconds: at 60 fps eight
 * of them tell the rate to 1%.
 */
const STEADY_FRAMES = 8;
/** Steps between frames differ by 1 ms from rounding and by 1 more from the encoder's own. */
const STEADY_SPREAD_MS = 2;
const STEADY_TOLERANCE = 0.02;
/** With unsteady times (phones, screen sharing) an average is taken over this much of them. */
const UNSTEADY_FRAMES = 24;
const UNSTEADY_WINDOW_MS = 1000;
const UNSTEADY_TOLERANCE = 0.05;
/** Without a second frame for this long it is a still picture: its rate is what was announced, or the lowest. */
const STILL_PICTURE_MS = 2000;
const MIN_RATE = 1;
const MAX_RATE = 240;
/** 29.97 may be announced as 30000/1001 or as 29.97. */
const ANNOUNCED_TOLERANCE = 0.0005;

export interface FrameTimes {
  /** Decoding times in milliseconds, in the order of arrival (with B-frames, presentation times are not in order). */
  times: readonly number[];
  /** Milliseconds of media of any track since the first of them. */
  elapsedMs: number;
  /** What onMetaData says, or null. */
  announced: number | null;
}

/** Frames per second, snapped to a standard rate; null while too little was seen. */
export function measureFrameRate({ times, elapsedMs, announced }: FrameTimes): number | null {
  const believable = announced !== null && announced >= MIN_RATE && announced <= MAX_RATE ? announced : null;
  const window = (times.at(-1) ?? 0) - (times[0] ?? 0);
  if (times.length < 2 || window <= 0) return elapsedMs >= STILL_PICTURE_MS ? (believable ?? MIN_RATE) : null;
  const measured = ((times.length - 1) * 1000) / window;
  const agrees = believable !== null && Math.abs(measured / believable - 1) <= AGREEMENT;
  if (agrees && times.length >= AGREEING_FRAMES) return snapAnnounced(believable);
  if (times.length >= STEADY_FRAMES && spreadOf(times) <= STEADY_SPREAD_MS) {
    const standard = nearestStandard(measured, STEADY_TOLERANCE);
    if (standard !== null) return standard;
  }
  if (times.length < UNSTEADY_FRAMES && window < UNSTEADY_WINDOW_MS) return null;
  return nearestStandard(measured, UNSTEADY_TOLERANCE) ?? Math.min(MAX_RATE, Math.max(MIN_RATE, Math.round(measured)));
}

function spreadOf(times: readonly number[]): number {
  const steps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  return Math.max(...steps) - Math.min(...steps);
}

function nearestStandard(rate: number, tolerance: number): number | null {
  // FLV's milliseconds cannot tell 29.97 from 30 in a few frames: a fractional rate has to be announced.
  const whole = STANDARD_RATES.filter((standard) => Number.isInteger(standard) || standard === 12.5);
  const nearest = closest(whole, rate);
  return Math.abs(rate / nearest - 1) <= tolerance ? nearest : null;
}

function snapAnnounced(rate: number): number {
  const nearest = closest(STANDARD_RATES, rate);
  return Math.abs(rate / nearest - 1) <= ANNOUNCED_TOLERANCE ? nearest : rate;
}

const closest = (rates: readonly number[], rate: number): number =>
  rates.reduce((best, candidate) => (Math.abs(candidate - rate) < Math.abs(best - rate) ? candidate : best));
