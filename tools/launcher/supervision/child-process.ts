import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { identify, type ProcessIdentity } from '../../../media/process/process-identity.js';
import { sendSignal } from './end-process.js';
import type { Command } from './run-as.js';

export interface ChildCommand extends Command {
  env: NodeJS.ProcessEnv;
  cwd: string;
}

export interface ChildExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** It could not even be started. */
  startError?: NodeJS.ErrnoException;
}

export interface Child {
  /** null when it could not be started. */
  identity: ProcessIdentity | null;
  /** Never rejects. Resolves when the process is gone and its last line has been read. */
  exited: Promise<ChildExit>;
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL to the process and what else is in its group. */
  kill(): void;
}

/** Grandchildren may hold the pipes open after the child is gone; its last lines are there long before this. */
const LAST_LINES_WAIT_MS = 500;

/**
 * Starts a process in a group of its own: Ctrl-C in the terminal goes to the foreground group alone, and the launcher
 * stops its children in order itself.
 *
 * @param onLine gets each line of stdout and stderr
 */
export function startChild({ file, args, uid, gid, env, cwd }: ChildCommand, onLine: (line: string) => void): Child {
  const child = spawn(file, args, { env, cwd, uid, gid, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream, crlfDelay: Infinity }).on('line', onLine);
  const identity = child.pid === undefined ? null : (identify(child.pid) ?? { pid: child.pid, startedAt: '' });
  const exited = new Promise<ChildExit>((resolve) => {
    child.once('error', (startError) => resolve({ code: null, signal: null, startError }));
    child.once('close', (code, signal) => resolve({ code, signal }));
    child.once('exit', (code, signal) => setTimeout(() => resolve({ code, signal }), LAST_LINES_WAIT_MS).unref());
  });
  const isGone = () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
  return {
    identity,
    exited,
    signal: (signal) => void (isGone() || child.kill(signal)),
    kill: () => void (isGone() || sendSignal(-child.pid!, 'SIGKILL')),
  };
}

/** "exit code 1", "SIGKILL", "cannot be started (ENOENT)". */
export function describeExit({ code, signal, startError }: ChildExit): string {
  if (startError) return `cannot be started (${startError.code ?? startError.message})`;
  return signal ?? `exit code ${code}`;
}
