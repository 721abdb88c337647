/** What a rendition's segments weigh, summed up as they come. */
export interface RateTally {
  /** Highest rate of one segment, bit/s. */
  peak: number;
  seconds: number;
  bytes: number;
}

/** Bits per second a rendition declares. */
export interface DeclaredRate {
  /** BANDWIDTH: the highest rate of any segment. */
  peak: number;
  /** AVERAGE-BANDWIDTH: all segments together. */
  average: number;
}

/** Encoders run with maxrate 1.07 × bitrate and a buffer of one second of it, so one GOP can hold this much more. */
const VBV_HEADROOM = 1.25;
/** A segment shorter than this (seconds; the last before a break, say) is mostly its keyframe and says nothing of the rate. */
const MIN_RATED_SECONDS = 1;
const BITS_PER_BYTE = 8;

export const EMPTY_TALLY: RateTally = { peak: 0, seconds: 0, bytes: 0 };

export function tallySegment(tally: RateTally, seconds: number, bytes: number): RateTally {
  const rate = seconds >= MIN_RATED_SECONDS ? (bytes * BITS_PER_BYTE) / seconds : 0;
  return { peak: Math.max(tally.peak, rate), seconds: tally.seconds + seconds, bytes: tally.bytes + bytes };
}

/**
 * While the broadcast runs, BANDWIDTH is at least what the encoder may reach: a player that chose by a quiet first
 * picture must not be surprised, and the value never falls. Afterwards it is what was.
 *
 * @param plannedBitrate bit/s; null once the broadcast has ended
 */
export function declaredRate(tally: RateTally, plannedBitrate: number | null): DeclaredRate {
  const average = tally.seconds > 0 ? (tally.bytes * BITS_PER_BYTE) / tally.seconds : (plannedBitrate ?? 0);
  const floor = plannedBitrate === null ? 0 : plannedBitrate * VBV_HEADROOM;
  return { peak: Math.ceil(Math.max(tally.peak, average, floor)), average: Math.ceil(average) };
}
