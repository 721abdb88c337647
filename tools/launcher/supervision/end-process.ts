import { setTimeout as delay } from 'node:timers/promises';
import { isRunning, type ProcessIdentity } from '../../../media/process/process-identity.js';

/** Long enough for every process of ours to close its files and sockets. */
const GRACE_MS = 8000;
const POLL_MS = 25;
/** After SIGKILL the kernel needs a moment, more on a machine that swaps. */
const KILL_WAIT_MS = 2000;

/** Resolves when the process is gone: true, or when the time is over: false. */
export async function waitUntilGone(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (isRunning(identity)) {
    if (performance.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}

/** Sends `signal`, waits, and kills what is still there. For processes that are not children of this one. */
export async function endProcess(identity: ProcessIdentity, signal: NodeJS.Signals, graceMs = GRACE_MS): Promise<void> {
  if (!isRunning(identity)) return;
  sendSignal(identity.pid, signal);
  if (await waitUntilGone(identity, graceMs)) return;
  sendSignal(identity.pid, 'SIGKILL');
  await waitUntilGone(identity, KILL_WAIT_MS);
}

/** False when there is no such process (group) any more. A negative pid means the group. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
