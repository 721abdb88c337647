/** The first restart comes at once, so that one crash costs viewers nothing. */
const FIRST_DELAY_MS = 200;
/** A process that cannot run is tried every ten seconds: soon enough after a repair, too seldom to load the machine. */
const MAX_DELAY_MS = 10_000;
/** Who has run this long was well; its next end is a new one. */
export const STEADY_AFTER_MS = 30_000;

export interface RestartDecision {
  /** Ends in a row without a steady run between them, this one included. */
  failures: number;
  /** Milliseconds to wait before the next start: 200, 400, 800 … 10,000. */
  delayMs: number;
}

/** @param failures ends in a row before this one; @param uptimeMs how long the process ran this time */
export function nextRestart(failures: number, uptimeMs: number): RestartDecision {
  const counted = uptimeMs >= STEADY_AFTER_MS ? 1 : failures + 1;
  return { failures: counted, delayMs: Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (counted - 1)) };
}
