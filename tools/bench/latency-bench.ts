import { chromium, type Browser } from 'playwright-core';
import { startStack, type Stack } from '../launcher/stack/stack.js';
import { median } from './cpu-time.js';
import { describeMachine } from './machine.js';
import { keepResult, table } from './results.js';
import { START_STEPS, type StartTimes } from './start-steps.js';
import { watchLive } from './watched-stream.js';
import { watchedRows, watchPicture, type Watched } from './watch-picture.js';

export interface LatencyBenchOptions {
  ffmpegPath: string;
  chromiumPath: string;
  /** Starts of a stream; the last one is watched. */
  runs: number;
  /** Seconds of watching after the player has settled. */
  seconds: number;
  /** HOLDFAST_PART_DURATION, one table each. */
  partDurations: readonly string[];
}

const SAMPLE_MS = 250;

/** Publish → first picture, and glass to glass by a frame number in the pixels, with a three-rung ladder of 720p30. */
export async function runLatencyBench(options: LatencyBenchOptions): Promise<void> {
  for (const partDuration of options.partDurations) {
    const stack = await startStack({ HOLDFAST_PART_DURATION: partDuration });
    const browser = await chromium.launch({ executablePath: options.chromiumPath, args: [...BROWSER_FLAGS] });
    try {
      await measure(options, partDuration, stack, browser);
    } finally {
      await browser.close();
      await stack.stop();
    }
  }
}

export const BROWSER_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--autoplay-policy=no-user-gesture-required',
] as const;

async function measure(options: LatencyBenchOptions, partDuration: string, stack: Stack, browser: Browser): Promise<void> {
  const starts: StartTimes[] = [];
  let watched: Watched | null = null;
  for (let run = 1; run <= options.runs; run++) {
    await watchLive(stack, browser, options.ffmpegPath, async (page, start) => {
      starts.push(start);
      console.log(`run ${run}: first picture after ${start['first picture']} ms`);
      if (run === options.runs) watched = await watchPicture(page, options.seconds, SAMPLE_MS);
    });
  }
  const steps = START_STEPS.map((step) => [step, medianOf(starts.map((start) => start[step]))] as const);
  console.log(`\n${table([['median ms from the start of the publisher', 'at', 'step'], ...stepRows(steps)])}`);
  console.log(`\n${table([[`parts of ${partDuration} s`, 'ms'], ...watchedRows(watched!)])}`);
  const result = {
    machine: describeMachine(options.ffmpegPath),
    partDuration,
    startMs: Object.fromEntries(steps),
    glassToGlassMs: watched,
    starts,
  };
  console.log(`kept in ${await keepResult(`latency-${partDuration.replace('.', '-')}`, result)}\n`);
}

const medianOf = (values: readonly (number | undefined)[]): number | null => {
  const known = values.filter((value) => value !== undefined);
  return known.length > 0 ? median(known) : null;
};

/** Each step with its time and what it took since the one before. */
function stepRows(steps: readonly (readonly [string, number | null])[]): string[][] {
  let before = 0;
  return steps.map(([step, at]) => {
    if (at === null) return [step, '-', '-'];
    const row = [step, at.toFixed(0), (at - before).toFixed(0)];
    before = at;
    return row;
  });
}
