/** A live playlist holds at least six segments (Apple HLS Authoring Specification 8.11) … */
const MIN_SEGMENTS = 6;
/** … and half a minute, so that a viewer who was away for a moment goes on where they were. */
const MIN_SECONDS = 30;

/** Index of the first segment a live playlist lists. */
export function liveWindowStart(segments: readonly { duration: number }[]): number {
  let seconds = 0;
  for (let index = segments.length - 1; index >= 0; index--) {
    seconds += segments[index]!.duration;
    if (seconds >= MIN_SECONDS && segments.length - index >= MIN_SEGMENTS) return index;
  }
  return 0;
}
