import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessIdentity } from '../../../media/process/process-identity.js';
import { nextRestart } from './back-off.js';
import { type Child, type ChildCommand, describeExit, startChild } from './child-process.js';
import { LauncherError } from '../launcher-error.js';

export interface ProcessSpec {
  name: string;
  /** Asked before each start. */
  command: () => ChildCommand;
  /** Path among its arguments by which the process is known again. */
  program: string;
  /** Runs before each start; puts right what the last run left behind. */
  beforeStart?: () => Promise<void>;
  /** null = ready; else why not yet, as the end of a sentence. */
  reasonNotReady: () => Promise<string | null>;
  /** Asked regularly; one that gave a sign of life, and then none for long, is killed, and so started again. */
  isAlive?: () => Promise<boolean>;
  stopSignal: NodeJS.Signals;
}

/** What the launcher wants to know of a process. */
export interface ProcessEvents {
  line(text: string): void;
  /** @throws Error when it cannot be written down: then it does not run, since nobody would find it later */
  started(identity: ProcessIdentity): void;
  ended(identity: ProcessIdentity): void;
  /** It ended by itself and will be started again. */
  restarting(report: { exit: string; delayMs: number }): void;
  /** It keeps ending soon after its start. */
  failing(report: { exit: string; failures: number; lastLines: string[] }): void;
  /** It still runs but gives no sign of life, and is killed now. */
  hung(report: { seconds: number }): void;
}

const READY_POLL_MS = 100;
/** A cold start on two busy cores takes ten seconds; a process that needs a minute will not be ready in two. */
const START_TIMEOUT_MS = 60_000;
/** From the third end in a row on it is no accident. */
const FAILING_AFTER = 3;
/** A process that was never ready is given up then: the set-up is wrong, and someone is watching. */
const GIVE_UP_AFTER = 4;
const LAST_LINES = 10;
const LIFE_CHECK_MS = 5000;
/** Far longer than any pause of a busy process; viewers of a frozen origin wait no longer than this. */
const HUNG_AFTER_MS = 15_000;

/** How often a sign of life is asked for, and how long a process may give none (milliseconds). */
export interface LifeTiming {
  checkMs: number;
  hungAfterMs: number;
}

export const LIFE_TIMING: LifeTiming = { checkMs: LIFE_CHECK_MS, hungAfterMs: HUNG_AFTER_MS };

/** One process that is started again whenever it ends, until it is told to stop. */
export class SupervisedProcess {
  readonly name: string;
  readonly #spec: ProcessSpec;
  readonly #events: ProcessEvents;
  readonly #timing: LifeTiming;
  readonly #stopping = new AbortController();
  readonly #lastLines: string[] = [];
  #child: Child | null = null;
  #running: Promise<void> | null = null;
  #wasReady = false;
  #problem: LauncherError | null = null;

  constructor(spec: ProcessSpec, events: ProcessEvents, timing: LifeTiming = LIFE_TIMING) {
    this.#timing = timing;
    this.name = spec.name;
    this.#spec = spec;
    this.#events = events;
  }

  get pid(): number | null {
    return this.#child?.identity?.pid ?? null;
  }

  /**
   * Starts it and resolves when it is ready, or when it is being stopped.
   *
   * @throws LauncherError with its last lines when it ends again and again or never gets ready
   */
  async start(): Promise<void> {
    // Not this process has failed then, but the launcher: it is told like of any error that nobody caught.
    this.#running = this.#superviseUntilStopped().catch((error: unknown) => queueMicrotask(() => throwUncaught(error)));
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!this.#stopping.signal.aborted) {
      if (this.#problem) throw this.#problem;
      const reason = this.#child ? await this.#spec.reasonNotReady() : 'it does not run';
      if (reason === null) break;
      if (performance.now() > deadline) {
        throw new LauncherError(`${this.name} is not ready after ${START_TIMEOUT_MS / 1000} s: ${reason}.${this.#shownLastLines()}`);
      }
      await delay(READY_POLL_MS);
    }
    this.#wasReady = true;
  }

  /** Asks it to end, kills it when `graceMs` are over, and resolves when it is gone. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    this.#child?.signal(this.#spec.stopSignal);
    const timer = setTimeout(() => this.kill(), graceMs);
    await this.#running;
    // The child ends all the same where the supervision did not.
    await this.#child?.exited;
    clearTimeout(timer);
  }

  kill(): void {
    this.#stopping.abort();
    this.#child?.kill();
  }

  async #superviseUntilStopped(): Promise<void> {
    let failures = 0;
    while (!this.#stopping.signal.aborted) {
      const begin = performance.now();
      const exit = await this.#runOnce();
      if (this.#stopping.signal.aborted) return;
      const decision = nextRestart(failures, performance.now() - begin);
      failures = decision.failures;
      if (!this.#wasReady && failures >= GIVE_UP_AFTER) {
        this.#problem = new LauncherError(`${this.name} does not start (${failures} tries, ${exit}).${this.#shownLastLines()}`);
        return;
      }
      if (failures >= FAILING_AFTER) this.#events.failing({ exit, failures, lastLines: [...this.#lastLines] });
      else this.#events.restarting({ exit, delayMs: decision.delayMs });
      await delay(decision.delayMs, undefined, { signal: this.#stopping.signal }).catch(() => {});
    }
  }

  async #runOnce(): Promise<string> {
    try {
      await this.#spec.beforeStart?.();
    } catch (error) {
      return (error as Error).message;
    }
    if (this.#stopping.signal.aborted) return 'stopped';
    const child = startChild(this.#spec.command(), (line) => {
      this.#lastLines.push(line);
      if (this.#lastLines.length > LAST_LINES) this.#lastLines.shift();
      this.#events.line(line);
    });
    this.#child = child;
    const unwritten = child.identity ? this.#reasonNotWritten(child.identity) : null;
    if (unwritten !== null) child.kill();
    const lifeChecks = this.#watchLife(child);
    const exit = await child.exited;
    clearInterval(lifeChecks);
    this.#child = null;
    if (child.identity) this.#events.ended(child.identity);
    return unwritten ?? describeExit(exit);
  }

  #reasonNotWritten(identity: ProcessIdentity): string | null {
    try {
      this.#events.started(identity);
      return null;
    } catch (error) {
      return `its record cannot be written: ${(error as Error).message}`;
    }
  }

  #watchLife(child: Child): NodeJS.Timeout | undefined {
    const { isAlive } = this.#spec;
    if (!isAlive) return undefined;
    const { checkMs, hungAfterMs } = this.#timing;
    let lastSign: number | null = null;
    return setInterval(() => {
      void isAlive().then((alive) => {
        if (alive) lastSign = performance.now();
        // A process that is still starting has given no first sign; that is its start's matter.
        if (lastSign === null || performance.now() - lastSign < hungAfterMs || this.#stopping.signal.aborted) return;
        lastSign = null;
        this.#events.hung({ seconds: Math.round(hungAfterMs / 1000) });
        child.kill();
      });
    }, checkMs);
  }

  #shownLastLines(): string {
    return this.#lastLines.length > 0 ? ` Its last lines:\n  ${this.#lastLines.join('\n  ')}` : ' It said nothing.';
  }
}

function throwUncaught(error: unknown): never {
  throw error;
}
