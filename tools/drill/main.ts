import { readEnvironment } from '../../platform/config/env.js';
import { ensureToolchain } from '../launcher/toolchain/toolchain.js';
import { asksForHelp } from '../options.js';
import { CYCLES, RECONNECTS, type DrillArguments, readArguments, usage } from './arguments.js';
import { runCycles } from './cycles.js';
import { ENDINGS, type Ending, runEndings } from './endings.js';
import type { Fault } from './fault.js';
import { FAULTS } from './faults.js';
import { cyclesTable, drillTable, keepResults } from './report.js';
import { runReconnects } from './reconnects.js';
import { type FaultResult, FaultRunner } from './run-fault.js';
import { Scene } from './scene.js';

/** @throws Error for a name that is no fault's */
function chosen({ only, short }: DrillArguments): { faults: Fault[]; endings: Ending[]; cycles: boolean; reconnects: boolean } {
  const unknown =
    only?.filter((name) => name !== CYCLES && name !== RECONNECTS && ![...FAULTS, ...ENDINGS].some((fault) => fault.name === name)) ?? [];
  if (unknown.length > 0) throw new Error(`No such fault: ${unknown.join(', ')}`);
  const faults = FAULTS.filter((fault) => (only ? only.includes(fault.name) : !short || fault.short));
  const endings = ENDINGS.filter(({ name }) => (only ? only.includes(name) : !short));
  const isChosen = (name: string): boolean => (only ? only.includes(name) : !short);
  return { faults, endings, cycles: isChosen(CYCLES), reconnects: isChosen(RECONNECTS) };
}

async function runFaults(args: DrillArguments, faults: readonly Fault[], ffmpegPath: string, unattended: boolean): Promise<FaultResult[]> {
  if (faults.length === 0) return [];
  const chromiumPath = process.env.CHROMIUM || '/usr/bin/chromium';
  console.log('Starting Holdfast, an encoder, a platform and a viewer …');
  const scene = await Scene.open({ ffmpegPath, chromiumPath, short: args.short, unattended });
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

/** @returns whether everything was as it should be */
async function drill(args: DrillArguments): Promise<boolean> {
  const { faults, endings, cycles: withCycles, reconnects: withReconnects } = chosen(args);
  const { HOLDFAST_CACHE_DIR: cacheDir } = readEnvironment();
  const { ffmpeg } = await ensureToolchain(['ffmpeg'], { cacheDir, env: process.env, onProgress: console.log });
  process.env.HOLDFAST_FFMPEG = ffmpeg;
  const results: FaultResult[] = [];
  for (const unattended of [false, true]) {
    const those = faults.filter((fault) => (fault.unattended ?? false) === unattended);
    results.push(...(await runFaults(args, those, ffmpeg, unattended)));
  }
  results.push(...(await runEndings(endings, ffmpeg)));
  if (results.length > 0) console.log(`\n${drillTable(results)}`);
  if (withCycles) process.stdout.write('\nStart/stop cycles … ');
  const cycles = withCycles ? await runCycles({ ffmpegPath: ffmpeg, cycles: args.cycles }) : undefined;
  if (cycles) console.log(`\n\n${cyclesTable(cycles)}`);
  if (withReconnects) process.stdout.write('\nReconnects in one broadcast … ');
  const reconnects = withReconnects ? await runReconnects({ ffmpegPath: ffmpeg, cycles: args.cycles }) : undefined;
  if (reconnects) console.log(reconnects.failures.length === 0 ? 'passed' : `FAILED: ${reconnects.failures.join('; ')}`);
  if (!args.only)
    console.log(`kept in ${await keepResults(args.short ? 'short' : 'all', ffmpeg, { faults: results, cycles, reconnects })}`);
  const faultsPassed = results.length === faults.length + endings.length && results.every(({ failures }) => failures.length === 0);
  return faultsPassed && [...(cycles?.failures ?? []), ...(reconnects?.failures ?? [])].length === 0;
}

if (asksForHelp(process.argv)) {
  console.log(usage([...FAULTS, ...ENDINGS]));
  process.exit(0);
}
try {
  process.exit((await drill(readArguments(process.argv.slice(2)))) ? 0 : 1);
} catch (error) {
  console.error(`${(error as Error).message}\n\n${usage([...FAULTS, ...ENDINGS])}`);
  process.exit(2);
}
