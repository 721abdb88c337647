import { readEnvironment } from '../config/env.js';
import { ensureToolchain } from '../launcher/toolchain.js';
import { type DrillArguments, readArguments, usage } from './arguments.js';
import type { Fault } from './fault.js';
import { FAULTS } from './faults.js';
import { drillTable, keepResults } from './report.js';
import { type FaultResult, FaultRunner } from './run-fault.js';
import { Scene } from './scene.js';

/** @throws Error for a name that is no fault's */
function chosen({ only, short }: DrillArguments): Fault[] {
  const unknown = only?.filter((name) => !FAULTS.some((fault) => fault.name === name)) ?? [];
  if (unknown.length > 0) throw new Error(`No such fault: ${unknown.join(', ')}`);
  return FAULTS.filter((fault) => (only ? only.includes(fault.name) : !short || fault.short));
}

async function drill(args: DrillArguments, faults: readonly Fault[], ffmpegPath: string): Promise<FaultResult[]> {
  const chromiumPath = process.env.CHROMIUM || '/usr/bin/chromium';
  console.log('Starting Holdfast, an encoder, a platform and a viewer …');
  const scene = await Scene.open({ ffmpegPath, chromiumPath, short: args.short });
  const stop = (): void => void scene.close().finally(() => process.exit(1));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const runner = new FaultRunner(scene);
    const results: FaultResult[] = [];
    for (const fault of faults) {
      process.stdout.write(`${fault.title} … `);
      const result = await runner.run(fault);
      results.push(result);
      console.log(result.failures.length === 0 ? 'passed' : `FAILED: ${result.failures.join('; ')}`);
      if (result.failures.length > 0) console.log(`  logs: ${await scene.keepLogs(fault.name)}`);
      if (!(await scene.playsSteadily())) break;
    }
    return results;
  } finally {
    await scene.close();
  }
}

try {
  const args = readArguments(process.argv.slice(2));
  const faults = chosen(args);
  const { HOLDFAST_CACHE_DIR: cacheDir } = readEnvironment();
  const { ffmpeg } = await ensureToolchain(['ffmpeg'], { cacheDir, env: process.env, onProgress: console.log });
  process.env.HOLDFAST_FFMPEG = ffmpeg;
  const results = await drill(args, faults, ffmpeg);
  console.log(`\n${drillTable(results)}`);
  const name = args.only ? 'only' : args.short ? 'short' : 'all';
  if (!args.only) console.log(`kept in ${await keepResults(name, ffmpeg, results)}`);
  const passed = results.length === faults.length && results.every(({ failures }) => failures.length === 0);
  process.exit(passed ? 0 : 1);
} catch (error) {
  console.error(`${(error as Error).message}\n\n${usage(FAULTS)}`);
  process.exit(2);
}
