import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeMachine } from '../bench/machine.js';
import { table } from '../bench/results.js';
import type { CyclesResult } from './cycles.js';
import type { ReconnectsResult } from './reconnects.js';
import type { FaultResult } from './run-fault.js';

const MS_PER_SECOND = 1000;
const seconds = (ms: number | null): string => (ms === null ? 'never' : `${(ms / MS_PER_SECOND).toFixed(1)} s`);

/** The table, and below it what was wrong. */
export function drillTable(results: readonly FaultResult[]): string {
  const head = ['fault', 'longest stall', 'frames lost', 'repeated', 'discontinuities', 'status true', 'verdict'];
  const rows = results.map((result) => [
    result.title,
    ...(result.withoutViewer
      ? ['–', '–', '–', '–']
      : [seconds(result.longestStallMs), ...[result.framesLost, result.framesRepeated, result.discontinuities].map(String)]),
    seconds(result.statusTrueMs),
    result.failures.length === 0 ? 'passed' : 'FAILED',
  ]);
  const failures = results.flatMap(({ name, failures: texts }) => texts.map((text) => `${name}: ${text}`));
  return [table([head, ...rows]), ...(failures.length > 0 ? ['', ...failures] : [])].join('\n');
}

export function cyclesTable({ cycles, processes, failures }: CyclesResult): string {
  const head = [`${cycles} start/stop cycles`, 'descriptors', 'at the end', 'MB', 'at the end'];
  const rows = Object.entries(processes).map(([name, { warm, end }]) =>
    [name, warm.descriptors, end.descriptors, warm.megabytes, end.megabytes].map(String),
  );
  return [
    table([head, ...rows]),
    '',
    failures.length === 0 ? 'passed: nothing left over, nothing grown' : `FAILED: ${failures.join('; ')}`,
  ].join('\n');
}

export interface DrillResults {
  faults?: readonly FaultResult[];
  cycles?: CyclesResult;
  reconnects?: ReconnectsResult;
}

/** Kept beside the sources, so that a change for the worse shows in a diff. */
export async function keepResults(name: string, ffmpegPath: string, results: DrillResults): Promise<string> {
  const dir = join(process.cwd(), 'tools', 'drill', 'results');
  await mkdir(dir, { recursive: true });
  const path = join(dir, `${name}.json`);
  await writeFile(path, `${JSON.stringify({ machine: describeMachine(ffmpegPath), ...results }, null, 2)}\n`);
  return path;
}
