import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { median } from './cpu-time.js';
import { pictureAge } from './picture-clock.js';

/** Until the player has come to its steady distance from the live edge. */
const SETTLE_MS = 15_000;
/** Share of the samples at each end that drift is read from. */
const DRIFT_SHARE = 0.2;

export interface Watched {
  /** Milliseconds. */
  p50: number;
  p95: number;
  min: number;
  max: number;
  /** p50 of the last fifth of the time less that of the first. */
  drift: number;
  /** p50 of the delay the player shows. */
  shown: number;
  samples: number;
  stalls: number;
  /** In the seconds before the measurement, while the player came to its distance. */
  stallsBefore: number;
  /** Every one of both, for who looks for its cause. */
  stallsSeen: Stall[];
}

/** What the page saw of itself when it ran dry. */
export interface Stall {
  /** Unix milliseconds. */
  at: number;
  position: number;
  /** Seconds; null without a buffer. */
  bufferedTo: number | null;
  playbackRate: number;
}

/** The page notes every time it runs dry. To be told to it before it plays, as text: benches are compiled for Node. */
export const COUNT_STALLS = `window.stalls = [], window.holdfastPlayer.video.addEventListener('waiting', ({ target: video }) => {
  if (!window.firstPictureAt || video.seeking) return;
  const { buffered, currentTime: position, playbackRate } = video;
  window.stalls.push({ at: Date.now(), position, bufferedTo: buffered.length ? buffered.end(buffered.length - 1) : null, playbackRate });
})`;
const STALLS = 'window.stalls';

/** Samples the distance of a playing page from the encoder. @param seconds of watching after it has settled */
export async function watchPicture(
  page: Page,
  seconds: number,
  sampleMs: number,
  eachSample: () => void | Promise<void> = () => undefined,
): Promise<Watched> {
  await delay(SETTLE_MS);
  const stallsBefore = await page.evaluate<number>(`${STALLS}.length`);
  const samples: number[] = [];
  const shown: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const age = await pictureAge(page);
    samples.push(age.glassToGlassMs);
    shown.push(age.shownMs);
    await eachSample();
    await delay(sampleMs);
  }
  const stallsSeen = await page.evaluate<Stall[]>(STALLS);
  return { ...summarize(samples), shown: median(shown), stalls: stallsSeen.length - stallsBefore, stallsBefore, stallsSeen };
}

function summarize(samples: readonly number[]): Omit<Watched, 'shown' | 'stalls' | 'stallsBefore' | 'stallsSeen'> {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
  const end = Math.max(1, Math.floor(samples.length * DRIFT_SHARE));
  return {
    p50: at(0.5),
    p95: at(0.95),
    min: at(0),
    max: at(1),
    drift: median(samples.slice(-end)) - median(samples.slice(0, end)),
    samples: samples.length,
  };
}

/** Rows of a table about it. */
export const watchedRows = ({ p50, p95, min, max, drift, shown, samples, stalls, stallsBefore }: Watched): string[][] => [
  ['glass to glass p50', p50.toFixed(0)],
  ['glass to glass p95', p95.toFixed(0)],
  ['glass to glass min', min.toFixed(0)],
  ['glass to glass max', max.toFixed(0)],
  ['drift, last fifth less first', drift.toFixed(0)],
  ['delay the player shows, p50', shown.toFixed(0)],
  ['samples', String(samples)],
  ['stalls', String(stalls)],
  ['stalls in the 15 s before', String(stallsBefore)],
];
