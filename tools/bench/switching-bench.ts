import { setTimeout as delay } from 'node:timers/promises';
import { chromium, type CDPSession, type Page } from 'playwright-core';
import { startStack } from '../launcher/stack/stack.js';
import { BROWSER_FLAGS } from './latency-bench.js';
import { describeMachine } from './machine.js';
import { keepResult, table } from './results.js';
import type { Stall } from './watch-picture.js';
import { watchLive } from './watched-stream.js';

export interface SwitchingBenchOptions {
  ffmpegPath: string;
  chromiumPath: string;
  /** How often the network becomes slow and fast again. */
  runs: number;
  /** Length of each of the two, seconds. */
  seconds: number;
  /** HOLDFAST_PART_DURATION */
  partDuration: string;
}

/** Less than the largest rendition needs, more than the next one does (bit/s). */
const SLOW_BITS_PER_SECOND = 2_000_000;
const BITS_PER_BYTE = 8;
const SAMPLE_MS = 250;
const MS_PER_SECOND = 1000;
/** Until the player is at its distance and knows the network. */
const SETTLE_MS = 20_000;

interface Phase {
  network: 'slow' | 'fast';
  /** Heights shown, each once in a row. */
  heights: number[];
  /** Seconds until the height of the end was shown. */
  settledAfter: number;
  stalls: Stall[];
}

/** Renditions that a player takes when its network becomes slow, and fast again, and how often it has nothing to show. */
export async function runSwitchingBench({ ffmpegPath, chromiumPath, runs, seconds, partDuration }: SwitchingBenchOptions): Promise<void> {
  const stack = await startStack({ HOLDFAST_PART_DURATION: partDuration });
  const browser = await chromium.launch({ executablePath: chromiumPath, args: [...BROWSER_FLAGS] });
  try {
    await watchLive(stack, browser, ffmpegPath, async (page) => {
      const devTools = await page.context().newCDPSession(page);
      await delay(SETTLE_MS);
      const phases: Phase[] = [];
      for (let run = 0; run < runs; run++) {
        for (const network of ['slow', 'fast'] as const) phases.push(await watchPhase(page, devTools, network, seconds));
      }
      const rows = phases.map(({ network, heights, settledAfter, stalls }) => [
        network,
        heights.join(' → '),
        settledAfter.toFixed(1),
        String(stalls.length),
      ]);
      const head = [
        `network (slow: ${SLOW_BITS_PER_SECOND / 1e6} Mbit/s), ${seconds} s each`,
        'heights shown',
        'settled after, s',
        'stalls',
      ];
      console.log(`\n${table([head, ...rows])}`);
      const result = { machine: describeMachine(ffmpegPath), partDuration, seconds, slowBitsPerSecond: SLOW_BITS_PER_SECOND, phases };
      console.log(`kept in ${await keepResult('switching', result)}`);
    });
  } finally {
    await browser.close();
    await stack.stop();
  }
}

async function watchPhase(page: Page, devTools: CDPSession, network: Phase['network'], seconds: number): Promise<Phase> {
  const downloadThroughput = network === 'slow' ? SLOW_BITS_PER_SECOND / BITS_PER_BYTE : -1;
  await devTools.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput, uploadThroughput: -1 });
  const startedAt = performance.now();
  const before = (await stallsOf(page)).length;
  const heights: number[] = [];
  let settledAfter = 0;
  while (performance.now() - startedAt < seconds * MS_PER_SECOND) {
    const height = await page.evaluate<number>('window.holdfastPlayer.video.videoHeight');
    if (height !== heights.at(-1)) {
      heights.push(height);
      settledAfter = (performance.now() - startedAt) / MS_PER_SECOND;
    }
    await delay(SAMPLE_MS);
  }
  return { network, heights, settledAfter, stalls: (await stallsOf(page)).slice(before) };
}

const stallsOf = (page: Page): Promise<Stall[]> => page.evaluate<Stall[]>('window.stalls');
