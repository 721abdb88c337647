import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { redactText } from '../../platform/log/redact.js';
import { identify, isRunning, type ProcessIdentity } from './process-identity.js';

export interface SpawnFfmpeg {
  ffmpegPath: string;
  args: string[];
  /** ffmpeg's warnings; a file and not a pipe, because a pipe would break with the process that reads it. */
  logPath: string;
  /** Called with the new process and a pipe to its descriptor 3, before the process is let go. */
  onSpawn?: (process: ProcessIdentity, pipe: Writable) => Promise<void>;
}

/** ffmpeg finishes its outputs on SIGINT; one that has not within this time hangs. */
const STOP_GRACE_MS = 5000;
const STOP_POLL_MS = 50;
/** What is shown of the log of one that failed. */
const LOG_TAIL_BYTES = 4096;
const LOG_TAIL_LINES = 8;

/**
 * Starts ffmpeg in a session of its own, so that it lives on when this process is killed.
 *
 * @throws Error when it cannot be started
 */
export async function spawnFfmpeg({ ffmpegPath, args, logPath, onSpawn }: SpawnFfmpeg): Promise<ProcessIdentity> {
  mkdirSync(dirname(logPath), { recursive: true });
  const log = openSync(logPath, 'a');
  try {
    const child = spawn(ffmpegPath, args, { detached: true, stdio: ['ignore', log, log, onSpawn ? 'pipe' : 'ignore'] });
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    child.unref();
    const identity = identify(child.pid!);
    if (!identity) throw new Error(`ffmpeg ended at once: ${await logTail(logPath)}`);
    if (onSpawn) await onSpawn(identity, child.stdio[3] as Writable).catch((error: unknown) => giveUp(identity, error));
    return identity;
  } finally {
    closeSync(log);
  }
}

function giveUp({ pid }: ProcessIdentity, error: unknown): never {
  signalGroup(pid, 'SIGKILL');
  throw error;
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** SIGINT to the process group, SIGKILL when it does not follow; resolves once the process is gone. False: it was gone already. */
export async function stopFfmpeg(identity: ProcessIdentity, graceMs = STOP_GRACE_MS): Promise<boolean> {
  return (await endProcess(identity, graceMs)) !== 'gone';
}

/** The same, telling whether it followed (`ended`) or had to be killed; `gone`: it was gone already. */
export async function endProcess(identity: ProcessIdentity, graceMs: number): Promise<'gone' | 'ended' | 'killed'> {
  if (!isRunning(identity)) return 'gone';
  signalGroup(identity.pid, 'SIGINT');
  // A stopped process (SIGSTOP) takes no SIGINT before it is continued.
  signalGroup(identity.pid, 'SIGCONT');
  if (await gone(identity, graceMs)) return 'ended';
  signalGroup(identity.pid, 'SIGKILL');
  await gone(identity, graceMs);
  return 'killed';
}

async function gone(identity: ProcessIdentity, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (isRunning(identity)) {
    if (Date.now() > deadline) return false;
    await delay(STOP_POLL_MS);
  }
  return true;
}

/** The last lines a process wrote (after byte `from`), URLs redacted; empty when it said nothing. */
export async function logTail(logPath: string, from = 0): Promise<string> {
  try {
    const file = await open(logPath, 'r');
    try {
      const { size } = await file.stat();
      const length = Math.min(Math.max(0, size - from), LOG_TAIL_BYTES);
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
      return redactText(buffer.toString('utf8').trim().split('\n').slice(-LOG_TAIL_LINES).join('\n'));
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}
