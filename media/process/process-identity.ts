import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** A process for certain: pids are reused, a pid with its start time is not. */
export interface ProcessIdentity {
  pid: number;
  /** Start time in the system's own words: clock ticks since boot (Linux), `lstart` (elsewhere). */
  startedAt: string;
}

/** /proc/<pid>/stat: fields after the command name, which may itself hold spaces and brackets (proc(5)). */
function procStat(pid: number): { state: string; startTicks: string; cpuTicks: number } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const STATE = 0;
    const USER_TIME = 11;
    const SYSTEM_TIME = 12;
    const START_TIME = 19;
    const cpuTicks = Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME]);
    return { state: fields[STATE] ?? '', startTicks: fields[START_TIME] ?? '', cpuTicks };
  } catch {
    return null;
  }
}

function psStart(pid: number): string | null {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null;
  } catch {
    return null;
  }
}

/** The identity of a running process, or null when there is none (a zombie counts as gone). */
export function identify(pid: number): ProcessIdentity | null {
  if (process.platform === 'linux') {
    const stat = procStat(pid);
    return stat && stat.state !== 'Z' && stat.state !== 'X' ? { pid, startedAt: stat.startTicks } : null;
  }
  const startedAt = psStart(pid);
  return startedAt ? { pid, startedAt } : null;
}

export const isSameProcess = (one: ProcessIdentity, other: ProcessIdentity): boolean =>
  one.pid === other.pid && one.startedAt === other.startedAt;

/** Is this very process still running? */
export const isRunning = (identity: ProcessIdentity): boolean => identify(identity.pid)?.startedAt === identity.startedAt;

/** CPU time a process has used so far, in clock ticks; null where the system does not tell (anything but Linux). */
export const cpuTicks = ({ pid }: ProcessIdentity): number | null =>
  process.platform === 'linux' ? (procStat(pid)?.cpuTicks ?? null) : null;

/** A running process that has `text` among its arguments (Linux; elsewhere null): finds an encoder nobody wrote down. */
export function findByArgument(text: string): ProcessIdentity | null {
  if (process.platform !== 'linux') return null;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    try {
      if (readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0').includes(text)) return identify(Number(entry));
    } catch {
      // The process ended while we looked.
    }
  }
  return null;
}
