import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeMachine } from '../bench/machine.js';
import { table } from '../bench/results.js';
import type { FaultResult } from './run-fault.js';

const MS_PER_SECOND = 1000;
const seconds = (ms: number | null): string => (ms === null ? 'never' : `${(ms / MS_PER_SECOND).toFixed(1)} s`);

/** The table, and below it what was wrong. */
export function drillTable(results: readonly FaultResult[]): string {
  const head = ['fault', 'longest stall', 'frames lost', 'repeated', 'discontinuities', 'status true', 'verdict'];
  const rows = results.map((result) => [
    result.title,
    seconds(result.longestStallMs),
    String(result.framesLost),
    String(result.framesRepeated),
    String(result.discontinuities),
    seconds(result.statusTrueMs),
    result.failures.length === 0 ? 'passed' : 'FAILED',
  ]);
  const failures = results.flatMap(({ name, failures: texts }) => texts.map((text) => `${name}: ${text}`));
  return [table([head, ...rows]), ...(failures.length > 0 ? ['', ...failures] : [])].join('\n');
}

/** Kept beside the sources, so that a change for the worse shows in a diff. */
export async function keepResults(name: string, ffmpegPath: string, results: readonly FaultResult[]): Promise<string> {
  const dir = join(process.cwd(), 'drill', 'results');
  await mkdir(dir, { recursive: true });
  const path = join(dir, `${name}.json`);
  await writeFile(path, `${JSON.stringify({ machine: describeMachine(ffmpegPath), faults: results }, null, 2)}\n`);
  return path;
}
