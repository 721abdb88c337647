import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

/** A cold start on a machine that does other things, too. */
const READY_LIMIT_MS = 120_000;
const POLL_MS = 50;
/** Kept of what the processes wrote, for the message when one fails. */
const KEPT_OUTPUT = 200_000;

export const isRunning = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode === null && signalCode === null;

/** Node processes that belong together, with what all of them say. */
export class Children {
  #output = '';

  /** Everything they wrote so far, its end at least. */
  get output(): string {
    return this.#output;
  }

  start(args: readonly string[], options: Pick<SpawnOptions, 'env' | 'detached'>): ChildProcess {
    const child = spawn(process.execPath, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream!.on('data', (chunk: Buffer) => this.#keep(chunk));
    return child;
  }

  /**
   * Waits until a process is ready.
   *
   * @param reasonNotReady null = it is; else why not, in words
   * @throws Error with what all of them said, when it ends or takes too long
   */
  async ready(what: string, child: ChildProcess, reasonNotReady: () => Promise<string | null>): Promise<void> {
    const deadline = Date.now() + READY_LIMIT_MS;
    for (let reason = await reasonNotReady(); reason !== null; reason = await reasonNotReady()) {
      if (Date.now() > deadline || !isRunning(child)) throw new Error(`${what} did not start: ${reason}\n${this.#output}`);
      await delay(POLL_MS);
    }
  }

  #keep(chunk: Buffer): void {
    this.#output = (this.#output + chunk.toString()).slice(-KEPT_OUTPUT);
  }
}
