import { readdirSync, readFileSync } from 'node:fs';
import type { RunJson } from '../launcher/output/run-json.js';

const KIB = 1024;
const MIB = 1024 * KIB;
/** Node grows its heap before it collects: more than this (bytes) beside what it had warm is a leak. */
const MAX_GROWTH_BYTES = 200 * MIB;
/** Descriptors left over a while after the last attack: kept-alive connections and files being written come and go. */
const MAX_LEFT_DESCRIPTORS = 40;
/** The processes that meet strangers; Temporal and Postgres have ways of their own to use memory. */
const WATCHED = ['api', 'ingest', 'origin', 'media-worker', 'stream-worker'];

export interface ProcessReading {
  pid: number;
  residentBytes: number;
  descriptors: number;
}

export type ProcessReadings = Record<string, ProcessReading | null>;

/** What each process uses now (Linux); null for one that is gone. */
export function readProcesses({ processes }: RunJson): ProcessReadings {
  return Object.fromEntries(WATCHED.map((name) => [name, readProcess(processes[name])]));
}

function readProcess(pid: number | undefined): ProcessReading | null {
  if (pid === undefined) return null;
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const residentBytes = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * KIB;
    return { pid, residentBytes, descriptors: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return null;
  }
}

export interface ProcessVerdict {
  name: string;
  restarted: boolean;
  memory: string;
  descriptors: string;
  problems: string[];
}

/** @param before read when everything was warm, @param after when the attacks were over and their connections gone */
export function judgeProcesses(before: ProcessReadings, after: ProcessReadings): ProcessVerdict[] {
  return Object.entries(before).map(([name, first]) => {
    const last = after[name] ?? null;
    const restarted = first?.pid !== last?.pid;
    const grown = (last?.residentBytes ?? 0) - (first?.residentBytes ?? 0);
    const left = (last?.descriptors ?? 0) - (first?.descriptors ?? 0);
    const problems = [
      ...(restarted ? ['restarted'] : []),
      ...(grown > MAX_GROWTH_BYTES ? ['memory grew out of bounds'] : []),
      ...(left > MAX_LEFT_DESCRIPTORS ? ['descriptors were left open'] : []),
    ];
    const mib = (bytes = 0): string => (bytes / MIB).toFixed(0);
    return {
      name,
      restarted,
      memory: `${mib(first?.residentBytes)} → ${mib(last?.residentBytes)} MiB`,
      descriptors: `${first?.descriptors ?? 0} → ${last?.descriptors ?? 0}`,
      problems,
    };
  });
}
