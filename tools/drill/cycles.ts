import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dataPaths } from '../../platform/config/addresses.js';
import { startStack, type Stack } from '../launcher/stack/stack.js';
import { createTemporalClient } from '../../platform/temporal/client.js';
import { publishUrl, StackApi, type StackStream } from '../launcher/stack/stack-api.js';
import { encoderMark, processesWith } from './processes.js';
import { RetryingPublisher } from './publisher.js';
import { waitFor } from './wait.js';

export interface CyclesOptions {
  ffmpegPath: string;
  cycles: number;
}

/** What one process holds. */
export interface Holding {
  descriptors: number;
  megabytes: number;
}

export interface CyclesResult {
  cycles: number;
  /** Process → what it held when it was warm, and at the end. */
  processes: Record<string, { warm: Holding; end: Holding }>;
  /** What was left over, and what grew; empty: passed. */
  failures: string[];
}

/** Caches, pools and compiled code are there after these. */
const WARM_UP_CYCLES = 20;
const STEP_LIMIT_MS = 30_000;
/** The least retention is 36 s. */
const RETENTION_LIMIT_MS = 90_000;
/** Connections in use at the moment of counting come and go. */
const DESCRIPTORS_SLACK = 10;
/** A heap that is collected late, not one that grows with every cycle: 200 leaked segments of media would be far more. */
const MEMORY_SLACK_MB = 60;
const MEMORY_SLACK_SHARE = 0.25;
const PAGE_BYTES = 4096;
const BYTES_PER_MB = 1e6;
const PROGRESS_EVERY = 20;

/** One stream that starts and stops again and again; afterwards nothing may be left of it, in any process. */
export async function runCycles({ ffmpegPath, cycles }: CyclesOptions): Promise<CyclesResult> {
  // The least there is: what deletes the segments is over, too, when everything is counted.
  const stack = await startStack({ HOLDFAST_RETENTION_HOURS: '0.01' });
  try {
    const api = new StackApi(await stack.run());
    const ladder = [{ height: 180, bitrate: 200_000 }];
    const stream = await api.createStream({ name: 'cycles', reusable: true, ladder, reconnectWindowSeconds: 0 });
    const publisher = new RetryingPublisher({ ffmpegPath, url: publishUrl(stream), width: 320, height: 180 });
    const failures: string[] = [];
    let warm = await holdings(stack);
    try {
      for (let cycle = 1; cycle <= cycles && failures.length === 0; cycle++) {
        failures.push(...(await oneCycle(api, stream, publisher, cycle)));
        if (cycle === Math.min(WARM_UP_CYCLES, cycles)) warm = await holdings(stack);
        if (cycle % PROGRESS_EVERY === 0) process.stdout.write(`${cycle} `);
      }
    } finally {
      await publisher.stop('SIGKILL');
    }
    failures.push(...(await leftOver(stack, api, stream)));
    const end = await holdings(stack);
    const processes = Object.fromEntries(Object.keys(end).map((name) => [name, { warm: warm[name] ?? end[name]!, end: end[name]! }]));
    return { cycles, processes, failures: [...failures, ...grown(processes)] };
  } finally {
    await stack.stop();
  }
}

/** Every other broadcast is ended by its encoder, the rest by the API. */
async function oneCycle(api: StackApi, stream: StackStream, publisher: RetryingPublisher, cycle: number): Promise<string[]> {
  const becomes = async (status: string): Promise<boolean> =>
    (await waitFor(async () => (await api.stream(stream.id))?.status === status, STEP_LIMIT_MS)) !== null;
  publisher.start();
  if (!(await becomes('live'))) return [`cycle ${cycle}: the stream did not become live (${publisher.words.trim()})`];
  if (cycle % 2 === 0) await api.call('POST', `/streams/${stream.id}/end`);
  await publisher.stop();
  return (await becomes('idle')) ? [] : [`cycle ${cycle}: the stream did not become idle`];
}

async function leftOver(stack: Stack, api: StackApi, stream: StackStream): Promise<string[]> {
  await api.call('DELETE', `/streams/${stream.id}`);
  const { temporal } = await stack.run();
  const client = createTemporalClient({ address: temporal, namespace: 'default' });
  const paths = dataPaths(stack.dataDir);
  const files = (dir: string): number => (existsSync(dir) ? readdirSync(dir, { recursive: true }).length : 0);
  const counts = async (): Promise<Record<string, number>> => ({
    'running workflows': (await client.workflow.count(`ExecutionStatus = 'Running'`)).count,
    'encoders written down': files(paths.encoders),
    'files of media': files(paths.media),
    'ffmpeg processes': processesWith(encoderMark(stack.dataDir)).length,
  });
  const isClean = async (): Promise<boolean> => Object.values(await counts()).every((count) => count === 0);
  await waitFor(isClean, RETENTION_LIMIT_MS);
  const left = Object.entries(await counts()).filter(([, count]) => count > 0);
  await client.connection.close();
  return left.map(([what, count]) => `${count} ${what} left over`);
}

async function holdings(stack: Stack): Promise<Record<string, Holding>> {
  const { processes } = await stack.run();
  return Object.fromEntries(Object.entries(processes).map(([name, pid]) => [name, holdingOf(pid)]));
}

/** /proc/<pid>/fd and the resident pages of /proc/<pid>/statm (proc(5)). */
function holdingOf(pid: number): Holding {
  const RESIDENT = 1;
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[RESIDENT]);
  return { descriptors: readdirSync(`/proc/${pid}/fd`).length, megabytes: Math.round((pages * PAGE_BYTES) / BYTES_PER_MB) };
}

/** What holds more than when it was warm, beyond what comes and goes. */
export function grown(processes: CyclesResult['processes']): string[] {
  return Object.entries(processes).flatMap(([name, { warm, end }]) => [
    ...(end.descriptors > warm.descriptors + DESCRIPTORS_SLACK ? [`${name}: descriptors ${warm.descriptors} → ${end.descriptors}`] : []),
    ...(end.megabytes > warm.megabytes * (1 + MEMORY_SLACK_SHARE) + MEMORY_SLACK_MB
      ? [`${name}: memory ${warm.megabytes} → ${end.megabytes} MB`]
      : []),
  ]);
}
