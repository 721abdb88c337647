import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../platform/log/logger.js';

export interface UntilTaken {
  /** It is no news any more. */
  signal: AbortSignal;
  /** For the log: what is told, and of what. */
  what: Record<string, unknown>;
  log: Logger;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

/** Tells something until it is taken: Temporal may be away for as long as it likes. Beside the work; it never throws. */
export async function untilTaken(tell: () => Promise<void>, { signal, what, log }: UntilTaken): Promise<void> {
  for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await tell();
    } catch (error) {
      const level = pauseMs === FIRST_PAUSE_MS ? 'warn' : 'debug';
      log[level]({ ...what, reason: error instanceof Error ? error.message : String(error) }, 'not told yet; it is tried again');
    }
    await delay(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}
