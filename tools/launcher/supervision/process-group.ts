import type { LogOutput } from '../output/log-output.js';
import { watched } from './process-events.js';
import type { ProcessRecords } from './process-records.js';
import { LIFE_TIMING, type ProcessEvents, type ProcessSpec, SupervisedProcess } from './supervised-process.js';

export interface ProcessGroupOptions {
  records: ProcessRecords;
  output: LogOutput;
  /** Milliseconds without a sign of life after which a process is killed; null = as always. */
  hungAfterMs: number | null;
  /** A process has started or ended: `pids` is another one now. */
  onChange: () => void;
}

export interface StopStage {
  names: readonly string[];
  /** Milliseconds the processes of this stage get to end by themselves. */
  graceMs: number;
}

/** The supervised processes of one launcher: started in any order, stopped in a given one. */
export class ProcessGroup {
  readonly #options: ProcessGroupOptions;
  readonly #processes = new Map<string, SupervisedProcess>();
  #stopping = false;

  constructor(options: ProcessGroupOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the process is ready. While the group stops, nothing is started any more.
   *
   * @param shown how its lines are shown, if not as they are
   */
  async start(spec: ProcessSpec, shown: Pick<Partial<ProcessEvents>, 'line'> = {}): Promise<void> {
    if (this.#stopping) return;
    const { records, output, onChange, hungAfterMs } = this.#options;
    const supervised = new SupervisedProcess(
      spec,
      watched(spec.name, output, {
        ...shown,
        started: (identity) => {
          records.add(spec.name, identity, spec.program, spec.stopSignal);
          onChange();
        },
        ended: () => {
          records.remove(spec.name);
          onChange();
        },
      }),
      { ...LIFE_TIMING, ...(hungAfterMs === null ? {} : { hungAfterMs }) },
    );
    this.#processes.set(spec.name, supervised);
    await supervised.start();
  }

  /** Lets a process go that is not wanted any more; its own `beforeStart` may say so. */
  release(name: string): void {
    this.#processes.get(name)?.kill();
    this.#processes.delete(name);
  }

  /** Those that run now. */
  pids(): Record<string, number> {
    const running = [...this.#processes].map(([name, { pid }]): [string, number | null] => [name, pid]);
    return Object.fromEntries(running.filter((entry): entry is [string, number] => entry[1] !== null));
  }

  /** One stage after the other; `between` runs after the stage with its index. */
  async stop(stages: readonly StopStage[], between: (stage: number) => Promise<void>): Promise<void> {
    this.#stopping = true;
    for (const [index, { names, graceMs }] of stages.entries()) {
      const present = names.map((name) => this.#processes.get(name)).filter((process) => process !== undefined);
      await Promise.all(present.map((process) => process.stop(graceMs)));
      await between(index);
    }
  }

  kill(): void {
    this.#stopping = true;
    for (const process of this.#processes.values()) process.kill();
  }
}
