import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Stack } from '../launcher/stack/stack.js';
import { waitFor } from './wait.js';

const REPLACED_LIMIT_MS = 30_000;
const READY_LIMIT_MS = 30_000;
const DEAD_POLL_MS = 20;

/** Signals go to processes of this drill's own Holdfast alone, by the pids its launcher names. */
export async function pidOf(stack: Stack, name: string): Promise<number> {
  const pid = (await stack.run()).processes[name];
  if (pid === undefined) throw new Error(`${name} does not run`);
  return pid;
}

export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** kill -9, then waits until the launcher has another one in its place. */
export async function killAndAwaitNext(stack: Stack, name: string): Promise<void> {
  const pid = await pidOf(stack, name);
  signal(pid, 'SIGKILL');
  const next = await waitFor(async () => {
    const now = (await stack.run()).processes[name];
    return now !== undefined && now !== pid;
  }, REPLACED_LIMIT_MS);
  if (!next) throw new Error(`The launcher did not start another ${name}`);
}

/** Kills the process and each that the launcher puts in its place, for `ms`. */
export async function keepDead(stack: Stack, name: string, ms: number): Promise<void> {
  const until = performance.now() + ms;
  while (performance.now() < until) {
    const pid = (await stack.run()).processes[name];
    if (pid !== undefined) signal(pid, 'SIGKILL');
    await delay(DEAD_POLL_MS);
  }
  await waitFor(async () => (await stack.run()).processes[name] !== undefined, READY_LIMIT_MS);
}

/** SIGSTOP for `ms`, then SIGCONT; a supervisor may have put another in its place meanwhile. */
export async function freeze(pid: number, ms: number): Promise<void> {
  signal(pid, 'SIGSTOP');
  try {
    await delay(ms);
  } finally {
    signal(pid, 'SIGCONT');
  }
}

/** In the command line of every encoder of an installation, and of nothing else: the origin's sockets. */
export const encoderMark = (dataDir: string): string => `unix:${dataDir}`;

/** Processes of this machine with `text` in their command line. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        return pid !== process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
      } catch {
        // It ended while we looked.
        return false;
      }
    });
}
