import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { dataPaths } from '../../../platform/config/addresses.js';
import { freePort } from '../ports/ports.js';
import type { RunJson } from '../output/run-json.js';
import { Children, isRunning } from './children.js';

/** Every listener of one machine, so that a private installation stands beside a running one. */
const PORT_VARIABLES = [
  'HOLDFAST_API_PORT',
  'HOLDFAST_RTMP_PORT',
  'HOLDFAST_PLAYBACK_PORT',
  'HOLDFAST_INGEST_CONTROL_PORT',
  'HOLDFAST_ORIGIN_CONTROL_PORT',
  'HOLDFAST_STREAM_WORKER_PORT',
  'HOLDFAST_MEDIA_WORKER_PORT',
  'HOLDFAST_TEMPORAL_PORT',
  'HOLDFAST_TEMPORAL_UI_PORT',
  'HOLDFAST_POSTGRES_PORT',
];
const STOP_LIMIT_MS = 30_000;
const POLL_MS = 50;

/** This file runs from the sources (tests) and from dist/ (benches); the launcher always from dist/. */
const HERE = new URL('.', import.meta.url);
export const DIST = HERE.pathname.endsWith('/dist/tools/launcher/stack/') ? new URL('../../../', HERE) : new URL('../../../dist/', HERE);
const LAUNCHER = new URL('tools/launcher/main.js', DIST);

export interface Stack {
  dataDir: string;
  /** run.json as it is now: pids change when a process is restarted. */
  run: () => Promise<RunJson>;
  /** Everything the processes wrote to their logs so far. */
  output: () => string;
  /** Ends it as Ctrl-C does and removes its data. */
  stop: () => Promise<void>;
}

/** Settings with a free port for each listener. */
export async function freePorts(variables: readonly string[] = PORT_VARIABLES): Promise<Record<string, string>> {
  return Object.fromEntries(await Promise.all(variables.map(async (name) => [name, String(await freePort())])));
}

/** Starts a whole Holdfast of its own, as `npm start` does, on free ports and with data of its own; for tests and benches. */
export async function startStack(settings: Record<string, string> = {}, launcherArguments: readonly string[] = []): Promise<Stack> {
  const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-stack-'));
  const env = { ...process.env, ...(await freePorts()), HOLDFAST_DATA_DIR: dataDir, ...settings };
  const children = new Children();
  const child = children.start([fileURLToPath(LAUNCHER), ...launcherArguments], { env, detached: true });
  const run = async (): Promise<RunJson> => JSON.parse(await readFile(dataPaths(dataDir).runJson, 'utf8')) as RunJson;
  const stop = async (): Promise<void> => {
    await endChild(child);
    await rm(dataDir, { recursive: true, force: true });
  };
  const reasonNotReady = () =>
    run().then(
      () => null,
      () => 'there is no run.json',
    );
  await children.ready('Holdfast', child, reasonNotReady).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { dataDir, run, output: () => children.output, stop };
}

async function endChild(child: ChildProcess): Promise<void> {
  const deadline = Date.now() + STOP_LIMIT_MS;
  if (isRunning(child)) child.kill('SIGINT');
  while (isRunning(child)) {
    if (Date.now() > deadline) child.kill('SIGKILL');
    await delay(POLL_MS);
  }
}
