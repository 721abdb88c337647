/** What decides how long parts of a broadcast can become. */
export interface PartProfile {
  /** Nominal seconds of a part; a whole number of them fills a segment. */
  partDuration: number;
  /** EXT-X-PART-INF:PART-TARGET, seconds: the longest part that can occur, rounded up at the printed precision. */
  partTarget: number;
}

/** Digits behind the point of every duration in a playlist; PART-TARGET is rounded up at the last of them. */
export const DURATION_DIGITS = 5;
/** Half a second: three of them, the hold-back, still keep glass to glass under two seconds. */
export const NOMINAL_PART_SECONDS = 0.5;
/** A part may close this much (seconds) before its grid point: decode times are rounded to ticks. */
export const VIDEO_PART_TOLERANCE = 0.002;
export const AAC_FRAME_SECONDS = 1024 / 48_000;
/** Half an AAC frame: the part ends at the frame boundary nearest to the grid point. */
export const AUDIO_PART_TOLERANCE = AAC_FRAME_SECONDS / 2;

/** How many parts fill a segment of this length, and the length of each. */
export function partsPerSegment(gopSeconds: number): number {
  return Math.max(1, Math.round(gopSeconds / NOMINAL_PART_SECONDS));
}

/**
 * Parts close on the grid `segmentStart + k * partDuration`, the last one takes the rest of the segment. PART-TARGET
 * must be at least every part's DURATION (RFC 8216bis 4.4.3.7) and may never change, so it is worked out here for the
 * whole broadcast, from what can occur: one segment of every frame rate, and audio segments one frame shorter and longer.
 */
export function partProfile(gopSeconds: number, frameRates: readonly number[], hasAudio: boolean): PartProfile {
  const partDuration = gopSeconds / partsPerSegment(gopSeconds);
  const lengths = frameRates.flatMap((rate) =>
    partLengths(Math.round(gopSeconds * rate), 1 / rate, partDuration, VIDEO_PART_TOLERANCE),
  );
  if (hasAudio) {
    const frames = Math.floor(gopSeconds / AAC_FRAME_SECONDS);
    for (const count of [frames, frames + 1]) {
      lengths.push(...partLengths(count, AAC_FRAME_SECONDS, partDuration, AUDIO_PART_TOLERANCE));
    }
  }
  const scale = 10 ** DURATION_DIGITS;
  // A millionth of a digit is taken off first: 0.5 s must not become 0.50001 because of binary fractions.
  const partTarget = Math.ceil(Math.max(partDuration, ...lengths) * scale - 1e-6) / scale;
  return { partDuration, partTarget };
}

/** Seconds of each part of a segment of `frames` frames. */
export function partLengths(frames: number, frameSeconds: number, partDuration: number, tolerance: number): number[] {
  const count = partsPerSegmentOf(frames * frameSeconds, partDuration);
  const lengths: number[] = [];
  let start = 0;
  for (let part = 1; part < count; part++) {
    const end = Math.ceil((part * partDuration - tolerance) / frameSeconds - 1e-9);
    lengths.push((end - start) * frameSeconds);
    start = end;
  }
  return [...lengths, (frames - start) * frameSeconds];
}

const partsPerSegmentOf = (seconds: number, partDuration: number): number => Math.max(1, Math.round(seconds / partDuration));
