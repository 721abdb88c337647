import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 50;
/** TCP_LISTEN in /proc/net/tcp, as proc_net_tcp of the kernel's documentation has it. */
const LISTEN_STATE = '0A';

export const isOver = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

export async function exited(child: ChildProcess): Promise<void> {
  if (!isOver(child)) await once(child, 'exit');
}

/** Sends the signal and waits until the process is gone. */
export async function stopped(child: ChildProcess, signal: 'SIGINT' | 'SIGKILL'): Promise<void> {
  child.kill(signal);
  await exited(child);
}

/** ffmpeg's `-listen` takes one connection only, so asking the port would use it up: /proc tells instead. */
export async function listening(port: number): Promise<void> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  for (;;) {
    const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n');
    if (lines.some((line) => line.includes(`:${hexPort} `) && line.includes(` ${LISTEN_STATE} `))) return;
    await delay(POLL_MS);
  }
}
