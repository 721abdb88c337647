import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../log/logger.js';

export interface StopSignals {
  /** The first signal: SIGTERM asks to finish what runs, SIGINT to stop now. */
  first: Promise<'drain' | 'now'>;
  /** Aborted by SIGINT, and by a second SIGTERM. */
  now: AbortSignal;
}

/** Takes SIGTERM and SIGINT for this process; once. */
export function takeStopSignals(): StopSignals {
  const now = new AbortController();
  const first = new Promise<'drain' | 'now'>((resolve) => {
    let asked = false;
    process.on('SIGTERM', () => {
      if (asked) now.abort();
      asked = true;
      resolve('drain');
    });
    process.on('SIGINT', () => {
      now.abort();
      resolve('now');
    });
  });
  return { first, now: now.signal };
}

export interface DrainOptions {
  /** What still runs; rejects while that cannot be told, which counts as running. */
  running(): Promise<number>;
  limitMs: number;
  now: AbortSignal;
  log: Logger;
}

const LOOK_MS = 1000;

/** Resolves when nothing runs any more, when the time is over, or when it has to end now. Never rejects. */
export async function drained({ running, limitMs, now, log }: DrainOptions): Promise<'drained' | 'limit' | 'now'> {
  const deadline = Date.now() + limitMs;
  log.info({ limitSeconds: Math.round(limitMs / 1000) }, 'draining: running broadcasts may finish, new ones are refused');
  for (;;) {
    if (now.aborted) return 'now';
    try {
      if ((await running()) === 0) return 'drained';
    } catch (error) {
      log.warn({ reason: error instanceof Error ? error.message : String(error) }, 'cannot tell what still runs');
    }
    if (Date.now() >= deadline) return 'limit';
    // An abort ends the pause; the loop sees it.
    await delay(LOOK_MS, undefined, { signal: now }).catch(() => undefined);
  }
}
