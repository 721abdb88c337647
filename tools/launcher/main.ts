import { setTimeout as delay } from 'node:timers/promises';
import { MasterKeyError } from '../../platform/auth/master-key.js';
import { dataPaths } from '../../platform/config/addresses.js';
import { EnvironmentError, readEnvironment } from '../../platform/config/env.js';
import { readArguments, USAGE } from './arguments.js';
import { Launcher } from './launcher.js';
import { isDiskFull, LauncherError } from './launcher-error.js';
import { createLogOutput } from './output/log-output.js';
import { firstUncaught, OutputError } from './uncaught.js';

/** npm passes a Ctrl-C on that the terminal has sent us already; only a later one is a second wish. */
const SAME_CTRL_C_MS = 1000;
const EXIT_KILLED = 130;
/** Twice what all stages of an ordered stop may take; then everything is killed. */
const STOP_LIMIT_MS = 30_000;

/** What the person at the terminal reads: a message where they can do something, the whole error otherwise. */
function explain(error: unknown): string {
  if (error instanceof LauncherError || error instanceof EnvironmentError || error instanceof MasterKeyError) return error.message;
  if (error instanceof OutputError) return `${error.message}. Everything is stopped.`;
  if (isDiskFull(error)) {
    const { message } = error as Error;
    return `The disk is full (${message}). Free some space, or set HOLDFAST_DATA_DIR to a folder on another disk.`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function main(): Promise<void> {
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  const { demo, help, hungAfterMs } = readArguments(process.argv.slice(2));
  if (help) return print(USAGE);
  const env = readEnvironment();
  const output = createLogOutput({
    logsDir: dataPaths(env.HOLDFAST_DATA_DIR).logs,
    terminal: process.stdout.isTTY === true,
    colors: process.stdout.isTTY === true && process.stdout.hasColors(),
    write: (text) => void process.stdout.write(text),
  });
  const launcher = new Launcher({ env, demo, output, print, hungAfterMs });
  const stopRequested = onStopSignals(launcher, print);
  const uncaught = firstUncaught([process.stdout, process.stderr], (error) => {
    process.exitCode = 1;
    output.record('error', 'Another error of the launcher', { reason: explain(error) });
  });
  // Whatever way this process ends, short of kill -9: nothing of it stays.
  process.once('exit', () => launcher.kill());
  try {
    await Promise.race([launcher.start(), stopRequested, uncaught]);
    await Promise.race([stopRequested, uncaught]);
    await Promise.race([launcher.stop(), delay(STOP_LIMIT_MS), butUnread(uncaught)]);
    print('Everything has stopped.');
  } catch (error) {
    process.exitCode = 1;
    // Said before the rest is stopped, which may take some seconds; to the log too, since nobody may be reading.
    process.stderr.write(`\n${explain(error)}\n`);
    output.record('fatal', 'The launcher has failed and stops everything', { reason: explain(error) });
    await Promise.race([launcher.stop(), delay(STOP_LIMIT_MS)]);
  }
}

/** Whoever asked for the end need not read how it goes: a terminal may be closed meanwhile. */
const butUnread = (uncaught: Promise<never>): Promise<never> =>
  uncaught.catch((error: unknown) => (error instanceof OutputError ? new Promise<never>(() => {}) : Promise.reject(error)));

/** Resolves at the first signal that asks for the end; a second one kills everything. */
function onStopSignals(launcher: Launcher, print: (text: string) => void): Promise<void> {
  let firstAt: number | null = null;
  return new Promise((resolve) => {
    const handle = (signal: NodeJS.Signals): void => {
      const now = performance.now();
      if (firstAt === null) {
        firstAt = now;
        print(`\n${signal}: stopping everything (again to kill it at once) …`);
        resolve();
      } else if (now - firstAt > SAME_CTRL_C_MS) {
        launcher.kill();
        process.exit(EXIT_KILLED);
      }
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, handle);
  });
}

await main().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
});
process.exit();
