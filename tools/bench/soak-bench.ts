import { readFileSync } from 'node:fs';
import { chromium, type Page } from 'playwright-core';
import { startStack } from '../launcher/stack/stack.js';
import { median } from './cpu-time.js';
import { BROWSER_FLAGS } from './latency-bench.js';
import { describeMachine } from './machine.js';
import { keepResult, table } from './results.js';
import { watchLive } from './watched-stream.js';
import { watchedRows, watchPicture } from './watch-picture.js';

export interface SoakBenchOptions {
  ffmpegPath: string;
  chromiumPath: string;
  minutes: number;
  /** HOLDFAST_PART_DURATION */
  partDuration: string;
}

const SAMPLE_MS = 1000;
const SECONDS_PER_MINUTE = 60;
const KIB_PER_MIB = 1024;
/** HOLDFAST_SEGMENT_CACHE_MIB: its default. */
const CACHE_MIB = 128;

/** One viewer in Chromium for a long time: stalls, drift of the distance from the encoder, memory of the origin. */
export async function runSoakBench({ ffmpegPath, chromiumPath, minutes, partDuration }: SoakBenchOptions): Promise<void> {
  const stack = await startStack({ HOLDFAST_PART_DURATION: partDuration, HOLDFAST_SEGMENT_CACHE_MIB: String(CACHE_MIB) });
  const browser = await chromium.launch({ executablePath: chromiumPath, args: [...BROWSER_FLAGS] });
  try {
    const { origin } = (await stack.run()).processes;
    const memoryMiB: number[] = [];
    const heapMiB: number[] = [];
    await watchLive(stack, browser, ffmpegPath, async (page, start) => {
      const heapOf = await heapReader(page);
      const watched = await watchPicture(page, minutes * SECONDS_PER_MINUTE, SAMPLE_MS, async () => {
        memoryMiB.push(residentMiB(origin!));
        heapMiB.push(await heapOf());
      });
      const memory = describeMemory(memoryMiB);
      const heap = describeMemory(heapMiB);
      console.log(
        `\n${table([
          [`${minutes} min with parts of ${partDuration} s`, 'ms'],
          ...watchedRows(watched),
          ['origin MiB at the start', memory.start.toFixed(0)],
          ['origin MiB at half time', memory.half.toFixed(0)],
          ['origin MiB at the end', memory.end.toFixed(0)],
          ['origin MiB at most', memory.max.toFixed(0)],
          [
            `origin MiB, median by thirds (the cache of segments holds ${CACHE_MIB})`,
            memory.thirds.map((third) => third.toFixed(0)).join('  '),
          ],
          ['page: JavaScript heap MiB, median by thirds', heap.thirds.map((third) => third.toFixed(1)).join('  ')],
        ])}`,
      );
      const result = {
        machine: describeMachine(ffmpegPath),
        minutes,
        partDuration,
        start,
        glassToGlassMs: watched,
        originMiB: memory,
        pageHeapMiB: heap,
      };
      console.log(`kept in ${await keepResult(`soak-${partDuration.replace('.', '-')}`, result)}`);
    });
  } finally {
    await browser.close();
    await stack.stop();
  }
}

/** The cache of segments fills during the first third of ten minutes; memory is flat when the last two are alike. */
function describeMemory(samples: readonly number[]): Record<'start' | 'half' | 'end' | 'max', number> & { thirds: number[] } {
  const at = (share: number): number => Math.floor(samples.length * share);
  const thirds = [0, 1, 2].map((third) => median(samples.slice(at(third / 3), Math.max(at(third / 3) + 1, at((third + 1) / 3)))));
  return { start: samples[0]!, half: samples[at(1 / 2)]!, end: samples.at(-1)!, max: Math.max(...samples), thirds };
}

/** What the page's scripts have allocated; see Performance.getMetrics of the DevTools protocol. */
async function heapReader(page: Page): Promise<() => Promise<number>> {
  const devTools = await page.context().newCDPSession(page);
  await devTools.send('Performance.enable');
  return async () => {
    const { metrics } = await devTools.send('Performance.getMetrics');
    return (metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? NaN) / KIB_PER_MIB / KIB_PER_MIB;
  };
}

/** VmRSS of proc(5). */
function residentMiB(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) / KIB_PER_MIB;
}
