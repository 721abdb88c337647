/*
 * How fast the picture runs, so that it stays at its distance from the live edge. hls.js does this itself only while more
 * than a second is buffered, which keeps it above 1.2 s whatever the playlist allows; with parts of 0.2 s half a second is
 * plenty.
 */

/** Fast enough to be back at the edge within seconds after a stall; music stays bearable. */
const FASTEST = 1.25;
/** Slow enough that nobody hears it. */
const SLOW = 0.95;
/** Rates are multiples of this: fewer changes, each of them is a small break in the sound. */
const RATE_STEP = 0.05;
/** Further behind the target than this (seconds) the picture is hurried, until it is this near. Between the two nothing changes. */
const HURRY_FROM = 0.1;
const HURRY_TO = 0.02;
/** Added to the rate for each second behind. */
const RATE_PER_SECOND = 0.5;
/** Buffered seconds that are never played away by hurrying; with less than the second figure the picture is held back. */
const SAFE_AHEAD = 0.25;
const THIN_AHEAD = 0.12;
/** Nearer than the target by more than this (seconds) the picture is held back whatever is buffered: the next hiccup would find nothing. */
const TOO_NEAR = 0.3;

/**
 * @param {object} now
 * @param {number} now.latency seconds behind the live edge
 * @param {number} now.target seconds behind it that the playlist asks for
 * @param {number} now.lowestAhead least buffered seconds of the last moments
 * @param {number} now.range seconds; how far behind the target a viewer who paused or went back is still brought to the edge
 * @param {boolean} now.onPurpose the viewer paused or went back; without that the network was it, and every second is made up for
 * @param {number} now.rate the present playback rate
 * @returns {number} the playback rate from now on
 */
export function chooseRate({ latency, target, lowestAhead, range, onPurpose, rate }) {
  const behind = latency - target;
  if (onPurpose && behind > range) return 1;
  if (behind < -TOO_NEAR || (lowestAhead < THIN_AHEAD && behind < 0)) return SLOW;
  if (rate < 1 && lowestAhead < SAFE_AHEAD && behind < 0) return rate;
  if (lowestAhead < SAFE_AHEAD || behind <= (rate > 1 ? HURRY_TO : HURRY_FROM)) return 1;
  const wanted = 1 + Math.max(RATE_STEP, RATE_PER_SECOND * behind);
  return Math.min(FASTEST, Math.round(wanted / RATE_STEP) * RATE_STEP);
}

/** How far back a picture plays after it has run dry `stalls` times: one part more each time, at most `limit` seconds. */
export const stalledTarget = (target, stalls, partSeconds, limit) => target + Math.min(stalls * partSeconds, limit);
