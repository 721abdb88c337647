import { readFileSync } from 'node:fs';

/** USER_HZ of every Linux that Node runs on: /proc counts CPU time in hundredths of a second. */
const TICKS_PER_SECOND = 100;
/** Positions after the command name in /proc/<pid>/stat (proc(5)): utime, stime. */
const UTIME = 11;
const STIME = 12;
const SAMPLE_MS = 100;

/** CPU seconds (user + system) a process has used so far; null when it is gone. */
export function cpuSeconds(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[UTIME]) + Number(fields[STIME])) / TICKS_PER_SECOND;
  } catch {
    return null;
  }
}

/** Follows processes from now on; a process that ends keeps the last figure seen, at most one sample old. */
export class CpuMeter {
  readonly #start = new Map<string, number>();
  readonly #last = new Map<string, number>();
  readonly #pids = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(pids: Record<string, number> = {}) {
    for (const [name, pid] of Object.entries(pids)) this.follow(name, pid);
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  /** @param fromBirth count what it used before, too: for a process started for this measurement */
  follow(name: string, pid: number, fromBirth = false): void {
    this.#pids.set(name, pid);
    this.#start.set(name, fromBirth ? 0 : (cpuSeconds(pid) ?? 0));
    this.#sample();
  }

  #sample(): void {
    for (const [name, pid] of this.#pids) {
      const used = cpuSeconds(pid);
      if (used !== null) this.#last.set(name, used);
    }
  }

  /** CPU seconds of each process since it was followed. */
  stop(): Record<string, number> {
    this.#sample();
    clearInterval(this.#timer);
    return Object.fromEntries([...this.#pids.keys()].map((name) => [name, (this.#last.get(name) ?? 0) - (this.#start.get(name) ?? 0)]));
  }
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};
