import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DIST, freePorts } from '../../../tools/launcher/stack/stack.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.js';
import { until } from '../../support/until.js';

const LAUNCHER = fileURLToPath(new URL('tools/launcher/main.js', DIST));
const FAIL_ON_SIGNAL = new URL('fail-on-signal.mjs', import.meta.url).href;

/** A launcher of its own; its database is somebody else's, so that its first process is Temporal. */
interface Launched {
  child: ChildProcess;
  said: () => string;
  exited: Promise<number | null>;
}

let dataDir: string;
let database: TestDatabase;
let ports: Record<string, string>;
beforeEach(async () => {
  [dataDir, database, ports] = await Promise.all([mkdtemp(join(tmpdir(), 'holdfast-failure-')), createTestDatabase(), freePorts()]);
});
afterEach(async () => {
  for (const pid of everyProcess()) process.kill(pid, 'SIGKILL');
  await until(() => everyProcess().length === 0, 'everything to be gone');
  await database.drop();
  await rm(dataDir, { recursive: true, force: true });
});

function launch(failHow = ''): Launched {
  const child = spawn(process.execPath, [`--import=${FAIL_ON_SIGNAL}`, LAUNCHER], {
    env: { ...process.env, ...ports, HOLDFAST_DATA_DIR: dataDir, HOLDFAST_DATABASE_URL: database.url, FAIL_HOW: failHow },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => void (text += chunk.toString()));
  return { child, said: () => text, exited: once(child, 'exit').then(([code]) => code as number | null) };
}

const records = (): string[] => readdirSync(join(dataDir, 'run', 'processes')).filter((name) => name !== 'launcher.json');
const temporalRuns = () => until(() => records().includes('temporal.json'), 'the first process');
const launcherLog = (): string => readFileSync(join(dataDir, 'logs', 'launcher.log'), 'utf8');
const count = (text: string, part: string): number => text.split(part).length - 1;

/** Whoever has this data folder in its environment was started by its launcher, or is it (proc_pid_environ(5)). */
function everyProcess(): number[] {
  const mark = `HOLDFAST_DATA_DIR=${dataDir}`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && environmentOf(name).split('\0').includes(mark))
    .map(Number);
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return '';
  }
}

describe('a launcher that fails says so once, ends with 1 and leaves no process', () => {
  it.each([
    ['throw', 'thrown in a timer'],
    ['reject', 'a promise nobody waits for'],
  ])('after a %s', async (how, message) => {
    const { child, said, exited } = launch(how);
    await temporalRuns();
    expect(everyProcess().length).toBeGreaterThan(1);
    child.kill('SIGUSR2');
    expect(await exited).toBe(1);
    expect(everyProcess()).toEqual([]);
    expect(count(said(), message)).toBe(1);
    expect(launcherLog()).toContain(message);
    expect(records()).toEqual([]);
  });

  it('when nobody reads its output any more', async () => {
    const { child, exited } = launch();
    await temporalRuns();
    child.stdout!.destroy();
    child.stderr!.destroy();
    expect(await exited).toBe(1);
    expect(everyProcess()).toEqual([]);
    expect(launcherLog()).toContain("Nobody reads the launcher's output any more (EPIPE)");
  });

  it('when its own files cannot be written', async () => {
    const { said, exited } = launch();
    await temporalRuns();
    const folder = join(dataDir, 'run', 'processes');
    rmSync(folder, { recursive: true });
    writeFileSync(folder, 'in the way');
    expect(await exited).toBe(1);
    expect(everyProcess()).toEqual([]);
    expect(said()).toContain('ENOTDIR');
  });
});

it('what a launcher leaves that was killed itself is ended by the next one, which then starts as ever', async () => {
  const first = launch();
  const isReady = () => existsSync(join(dataDir, 'run.json'));
  await until(isReady, 'the first one to be ready');
  first.child.kill('SIGKILL');
  await first.exited;
  const left = everyProcess();
  expect(left.length).toBeGreaterThan(0);
  const second = launch();
  await until(() => second.said().includes('Ended what an earlier launcher left running'), 'the second launcher');
  expect(everyProcess().filter((pid) => left.includes(pid))).toEqual([]);
  await until(isReady, 'the second one to be ready');
  second.child.kill('SIGINT');
  expect(await second.exited).toBe(0);
  expect(everyProcess()).toEqual([]);
});
