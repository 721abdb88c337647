import { execFile } from 'node:child_process';

export interface CommandResult {
  /** Exit code; -1 when the program was ended by a signal, timed out or could not be started. */
  code: number;
  stdout: string;
  stderr: string;
  /** ENOENT and the like, when the program could not be started. */
  startError?: string;
}

export interface CommandOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  timeoutMs?: number;
  uid?: number;
  gid?: number;
}

/** Enough for the longest listing we ask a tool for (`ffmpeg -encoders` is 20 kB). */
const MAX_OUTPUT_BYTES = 8 * 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * Runs a program to its end and gives what it said. Never rejects: a program that fails is an answer too. It does not
 * outlive this process.
 */
export function runCommand(file: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, ...rest } = options;
  return new Promise((resolve) => {
    const endWithUs = (): void => void child.kill('SIGKILL');
    const child = execFile(file, args, { ...rest, timeout: timeoutMs, maxBuffer: MAX_OUTPUT_BYTES }, (error, stdout, stderr) => {
      process.off('exit', endWithUs);
      if (!error) return resolve({ code: 0, stdout, stderr });
      if (typeof error.code === 'number') return resolve({ code: error.code, stdout, stderr });
      resolve({ code: -1, stdout, stderr, startError: error.code ?? error.message });
    });
    process.once('exit', endWithUs);
  });
}

/** The last line that says something, for one-line errors. */
export function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1)?.trim() ?? '';
}
