/** A publisher is silent for some seconds before it counts as gone: the slate fills these in at once, no more. */
const MAX_CATCH_UP_MS = 15_000;
/** What a returning publisher had sent before its media was understood comes at once; seldom more than a second. */
const MAX_LEAD_MS = 2000;

export interface PaceStart {
  /** The programme's newest time. */
  edgeMs: number;
  /** When that came in, milliseconds of a monotonic clock. */
  edgeAt: number;
  /** How far the programme's newest time is ahead of real time. */
  leadMs: number;
  /** The same clock, now. */
  now: number;
}

/**
 * Real time as the programme's time while the slate plays: it goes on from the last media of the publisher, so that
 * silence before is made good, and what came too early is waited for. Cut after cut, the programme keeps to real time.
 */
export function startPace({ edgeMs, edgeAt, leadMs, now }: PaceStart): (now: number) => number {
  const from = Math.max(edgeAt + Math.min(leadMs, MAX_LEAD_MS), now - MAX_CATCH_UP_MS);
  return (at) => edgeMs + at - from;
}
