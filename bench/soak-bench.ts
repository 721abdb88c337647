import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { startStack } from '../launcher/stack.js';
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

/** One viewer in Chromium for a long time: stalls, drift of the distance from the encoder, memory of the origin. */
export async function runSoakBench({ ffmpegPath, chromiumPath, minutes, partDuration }: SoakBenchOptions): Promise<void> {
  const stack = await startStack({ HOLDFAST_PART_DURATION: partDuration });
  const browser = await chromium.launch({ executablePath: chromiumPath, args: [...BROWSER_FLAGS] });
  try {
    const { origin } = (await stack.run()).processes;
    const memoryMiB: number[] = [];
    await watchLive(stack, browser, ffmpegPath, async (page, start) => {
      const watched = await watchPicture(page, minutes * SECONDS_PER_MINUTE, SAMPLE_MS, () => memoryMiB.push(residentMiB(origin!)));
      // The origin's cache of segments (512 MiB) fills in a quarter of an hour: what counts is the second half.
      const memory = { start: memoryMiB[0]!, half: memoryMiB[Math.floor(memoryMiB.length / 2)]!, end: memoryMiB.at(-1)!, max: Math.max(...memoryMiB) };
      console.log(`\n${table([
        [`${minutes} min with parts of ${partDuration} s`, 'ms'],
        ...watchedRows(watched),
        ['origin MiB at the start', memory.start.toFixed(0)],
        ['origin MiB at half time', memory.half.toFixed(0)],
        ['origin MiB at the end', memory.end.toFixed(0)],
        ['origin MiB at most', memory.max.toFixed(0)],
      ])}`);
      const result = { machine: describeMachine(ffmpegPath), minutes, partDuration, start, glassToGlassMs: watched, originMiB: memory };
      console.log(`kept in ${await keepResult(`soak-${partDuration.replace('.', '-')}`, result)}`);
    });
  } finally {
    await browser.close();
    await stack.stop();
  }
}

/** VmRSS of proc(5). */
function residentMiB(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) / KIB_PER_MIB;
}
