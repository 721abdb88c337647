import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { redactText } from '../log/redact.js';
import { identify, isRunning, type ProcessIdentity } from './process-identity.js';

export interface SpawnEncoder {
  ffmpegPath: string;
  args: string[];
  /** ffmpeg's warnings; a file and not a pipe, because a pipe would break with the process that reads it. */
  logPath: string;
}

/** ffmpeg finishes its outputs on SIGINT; one that has not within this time hangs. */
const STOP_GRACE_MS = 5000;
const STOP_POLL_MS = 50;
/** What is shown of a failed encoder's log. */
const LOG_TAIL_BYTES = 4096;
const LOG_TAIL_LINES = 8;

/**
 * Starts ffmpeg in a session of its own, so that it lives on when this process is killed.
 *
 * @throws Error when it cannot be started
 */
export async function spawnEncoder({ ffmpegPath, args, logPath }: SpawnEncoder): Promise<ProcessIdentity> {
  mkdirSync(dirname(logPath), { recursive: true });
  const log = openSync(logPath, 'a');
  try {
    const child = spawn(ffmpegPath, args, { detached: true, stdio: ['ignore', log, log] });
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    child.unref();
    const identity = identify(child.pid!);
    if (!identity) throw new Error(`ffmpeg ended at once: ${await encoderLogTail(logPath)}`);
    return identity;
  } finally {
    closeSync(log);
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** SIGINT to the process group, SIGKILL when it does not follow; resolves once the process is gone. False: it was gone already. */
export async function stopEncoder(identity: ProcessIdentity, graceMs = STOP_GRACE_MS): Promise<boolean> {
  if (!isRunning(identity)) return false;
  signalGroup(identity.pid, 'SIGINT');
  // A stopped process (SIGSTOP) takes no SIGINT before it is continued.
  signalGroup(identity.pid, 'SIGCONT');
  if (!(await gone(identity, graceMs))) {
    signalGroup(identity.pid, 'SIGKILL');
    await gone(identity, graceMs);
  }
  return true;
}

async function gone(identity: ProcessIdentity, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (isRunning(identity)) {
    if (Date.now() > deadline) return false;
    await delay(STOP_POLL_MS);
  }
  return true;
}

/** The last lines an encoder wrote, URLs redacted; empty when it said nothing. */
export async function encoderLogTail(logPath: string): Promise<string> {
  try {
    const file = await open(logPath, 'r');
    try {
      const { size } = await file.stat();
      const length = Math.min(size, LOG_TAIL_BYTES);
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
      return redactText(buffer.toString('utf8').trim().split('\n').slice(-LOG_TAIL_LINES).join('\n'));
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}
