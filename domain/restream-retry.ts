import type { RestreamEnd } from './destination.js';
import type { ErrorCode } from './errors.js';

/** How one connection of a restream ended, as the policy sees it. */
export interface RestreamEnding {
  /** ms */
  at: number;
  code: Exclude<RestreamEnd['code'], 'stopped'>;
  wasLive: boolean;
}

export interface RetryQuestion {
  /** All connections since the start or the last retry by hand, the present one last. */
  ends: readonly RestreamEnding[];
  now: number;
  /** 0 to 1; passed in, because workflows must draw it from Temporal. */
  random: number;
}

export type RetryDecision = { retry: true; delayMs: number } | { retry: false; code: ErrorCode };

/** A platform that was never reached is most likely a wrong address: a few tries bridge a hiccup, no more. */
const TRIES_BEFORE_FIRST_LIVE = 4;
const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 30_000;
/** ±20 %, so that many restreams of one platform do not come back in the same instant. */
const JITTER = 0.2;
/** Without being live once in this time, the platform is given up; the owner can still retry. */
const BUDGET_MS = 10 * 60_000;
/** Every publish makes a video of its own on most platforms: beyond these, at most one a minute. */
const FREE_PUBLISHES = 3;
const PUBLISH_WINDOW_MS = 5 * 60_000;
const CAPPED_DELAY_MS = 60_000;

/** Ends that the same connection tried again would meet again. */
const FINAL: ReadonlySet<RestreamEnding['code']> = new Set(['destination_url_invalid', 'destination_address_forbidden']);

/**
 * Whether and when a restream tries again. Refused before it was ever live: never (a wrong key stays wrong). Live before:
 * exponential back-off with jitter, within a budget, and without flooding the platform with short videos. A host that has no
 * room for one more has not tried: that goes on until there is room.
 */
export function decideRestreamRetry({ ends, now, random }: RetryQuestion): RetryDecision {
  const last = ends.at(-1);
  if (!last) return { retry: true, delayMs: 0 };
  const everLive = ends.some((end) => end.wasLive);
  if (FINAL.has(last.code) || (last.code === 'destination_refused' && !everLive)) return { retry: false, code: last.code };
  const tries = ends.filter((end) => end.code !== 'restream_limit').length;
  if (!everLive && tries >= TRIES_BEFORE_FIRST_LIVE) return { retry: false, code: last.code };
  const failuresInARow = ends.length - 1 - ends.findLastIndex((end) => end.wasLive);
  const since = ends[ends.length - Math.max(1, failuresInARow)]!;
  if (everLive && last.code !== 'restream_limit' && now - since.at > BUDGET_MS) return { retry: false, code: 'destination_gave_up' };
  const backOff = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.max(0, failuresInARow - (everLive ? 0 : 1)));
  const delayMs = Math.round(backOff * (1 - JITTER + 2 * JITTER * random));
  return { retry: true, delayMs: Math.max(delayMs, publishCap(ends, now)) };
}

/** Delay that keeps a flapping platform at one publish a minute; 0 while there were few. */
function publishCap(ends: readonly RestreamEnding[], now: number): number {
  const publishes = ends.filter((end) => end.wasLive && now - end.at < PUBLISH_WINDOW_MS).length;
  return publishes > FREE_PUBLISHES ? CAPPED_DELAY_MS : 0;
}
