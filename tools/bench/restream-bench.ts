import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { dataPaths } from '../../platform/config/addresses.js';
import { freePort } from '../launcher/ports/ports.js';
import { startStack, type Stack } from '../launcher/stack/stack.js';
import { publishUrl, StackApi } from '../launcher/stack/stack-api.js';
import { RestreamRegistry } from '../../media/restream/restream-registry.js';
import { listening, stopped } from './child-process.js';
import { makeClip, publishClip } from './clip.js';
import { CpuMeter, median } from './cpu-time.js';
import { describeMachine } from './machine.js';
import { keepResult, table } from './results.js';

export interface RestreamBenchOptions {
  ffmpegPath: string;
  seconds: number;
  runs: number;
}

/** So many restreams and as many bare ones, side by side: one alone says little on a machine that does other things, too. */
const DESTINATIONS = 3;
/** What platforms are usually sent. */
const BITRATE = '3M';
/** A small picture at a constant bit rate: what copying costs depends on the bytes alone. */
const SMALL_PICTURE = {
  seconds: 20,
  picture: 'testsrc2=size=426x240:rate=30',
  encoder: ['-preset', 'ultrafast', '-b:v', BITRATE, '-minrate', BITRATE, '-maxrate', BITRATE, '-bufsize', BITRATE, '-nal-hrd', 'cbr'],
};
const POLL_MS = 50;
/** Until bare ffmpeg, too, sends as steadily as it will. */
const START_MS = 5000;
const LOOPBACK = '127.0.0.1';

/**
 * CPU seconds of a restream that copies (mean of several), beside as many bare `ffmpeg -c copy` that send the same programme
 * to receivers of the same kind at the same time. Its supervision is shown apart: what the media worker uses more than in a
 * window of the same length without a restream, which on a busy machine is little more than a guess.
 */
export async function runRestreamBench(options: RestreamBenchOptions): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  const stack = await startStack({ HOLDFAST_ALLOW_PRIVATE_ADDRESSES: '1', HOLDFAST_VIDEO_PRESET: 'ultrafast' });
  try {
    const clip = await makeClip({ ffmpegPath: options.ffmpegPath, dir, ...SMALL_PICTURE });
    const runs: RestreamRun[] = [];
    for (let run = 1; run <= options.runs; run++) {
      const result = await measureOnce(options, stack, clip);
      runs.push(result);
      console.log(
        `run ${run}: restream's ffmpeg ${result.ffmpeg.toFixed(2)} s, bare ffmpeg ${result.bare.toFixed(2)} s, ` +
          `ratio ${result.ratio.toFixed(3)}`,
      );
    }
    const ratio = median(runs.flatMap((result) => result.ratios));
    const share = median(runs.map((result) => total(result) / options.seconds));
    console.log(
      `\n${resultTable(runs.at(-1)!)}\n\nratio of ffmpeg to bare ffmpeg (median of ${runs.length}): ${ratio.toFixed(3)}\n` +
        `with its supervision: ${(100 * share).toFixed(2)} % of a core`,
    );
    const result = { machine: describeMachine(options.ffmpegPath), seconds: options.seconds, ratio, share, runs };
    console.log(`kept in ${await keepResult('restream', result)}`);
  } finally {
    await stack.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

interface RestreamRun {
  ffmpeg: number;
  supervision: number;
  bare: number;
  /** Median of the destinations'. */
  ratio: number;
  ratios: number[];
}

const total = ({ ffmpeg, supervision }: RestreamRun): number => ffmpeg + supervision;

const resultTable = (run: RestreamRun): string =>
  table([
    ['CPU seconds', ''],
    ['restream', total(run).toFixed(2)],
    ['  ffmpeg', run.ffmpeg.toFixed(2)],
    ['  supervision', run.supervision.toFixed(2)],
    ['bare ffmpeg', run.bare.toFixed(2)],
  ]);

async function measureOnce({ ffmpegPath, seconds }: RestreamBenchOptions, stack: Stack, clip: string): Promise<RestreamRun> {
  const run = await stack.run();
  const api = new StackApi(run);
  const stream = await api.createStream({ name: 'restream bench' });
  const publisher = publishClip({ ffmpegPath, clip, url: publishUrl(stream), endless: true });
  while ((await api.stream(stream.id))?.status !== 'live') await delay(POLL_MS);
  const worker = run.processes['media-worker']!;
  const without = await usedBy({ worker }, seconds);

  const pairs: Pair[] = [];
  const add = (body: unknown): Promise<{ id: string }> => api.ask('POST', `/streams/${stream.id}/destinations`, body);
  for (let number = 1; number <= DESTINATIONS; number++)
    pairs.push(await startPair(ffmpegPath, stack, { number, before: pairs.at(-1), add }));
  await delay(START_MS);
  const pids = pairs.flatMap(({ ffmpeg, bare }, index) => [[`ffmpeg ${index}`, ffmpeg] as const, [`bare ${index}`, bare.pid!] as const]);
  const used = await usedBy({ worker, ...Object.fromEntries(pids) }, seconds);

  await api.endStream(stream.id);
  for (const child of [publisher, ...pairs.flatMap(({ bare, receivers }) => [bare, ...receivers])]) await stopped(child, 'SIGKILL');
  const each = (kind: string): number => pairs.reduce((sum, _pair, index) => sum + used[`${kind} ${index}`]!, 0) / DESTINATIONS;
  const ratios = pairs.map((_pair, index) => used[`ffmpeg ${index}`]! / used[`bare ${index}`]!);
  return {
    ffmpeg: each('ffmpeg'),
    supervision: Math.max(0, used.worker! - without.worker!) / DESTINATIONS,
    bare: each('bare'),
    ratio: median(ratios),
    ratios,
  };
}

interface Pair {
  ffmpeg: number;
  bare: ChildProcess;
  receivers: ChildProcess[];
}

interface PairPlace {
  number: number;
  before: Pair | undefined;
  add: (destination: unknown) => Promise<{ id: string }>;
}

/** A restream and bare ffmpeg; who comes first takes turns, because the ingest serves its readers in that order. */
async function startPair(ffmpegPath: string, stack: Stack, { number, before, add }: PairPlace): Promise<Pair> {
  const receivers = [await receive(ffmpegPath), await receive(ffmpegPath)] as const;
  const restream = async (): Promise<number> => {
    const { id } = await add({ name: `bench ${number}`, url: receivers[0].url, streamKey: 'restream' });
    return liveRestream(stack, id);
  };
  const startBare = async (like: number): Promise<ChildProcess> =>
    spawn(
      ffmpegPath,
      [
        '-hide_banner',
        '-loglevel',
        'error',
        '-nostdin',
        '-f',
        'flv',
        '-i',
        await inputOf(like),
        '-c',
        'copy',
        '-f',
        'flv',
        `${receivers[1].url}/bare`,
      ],
      // In a session of its own, as restreams are: the kernel shares the CPU out by session.
      { stdio: 'ignore', detached: true },
    );
  const processes = receivers.map(({ process }) => process);
  if (before && number % 2 === 0) {
    const bare = await startBare(before.ffmpeg);
    return { ffmpeg: await restream(), bare, receivers: processes };
  }
  const ffmpeg = await restream();
  return { ffmpeg, bare: await startBare(ffmpeg), receivers: processes };
}

async function usedBy(pids: Record<string, number>, seconds: number): Promise<Record<string, number>> {
  const meter = new CpuMeter(pids);
  await delay(1000 * seconds);
  return meter.stop();
}

/** The very programme the restream reads, slate and all. */
async function inputOf(pid: number): Promise<string> {
  const args = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
  return args[args.indexOf('-i') + 1]!;
}

async function liveRestream(stack: Stack, destinationId: string): Promise<number> {
  const registry = new RestreamRegistry(dataPaths(stack.dataDir).restreams);
  for (;;) {
    const record = (await registry.list()).find((known) => known.destinationId === destinationId);
    if (record?.live) return record.process.pid;
    await delay(POLL_MS);
  }
}

/** An RTMP server for one connection that throws away what it gets. */
async function receive(ffmpegPath: string): Promise<{ url: string; process: ChildProcess }> {
  const port = await freePort();
  const url = `rtmp://${LOOPBACK}:${port}/bench`;
  const child = spawn(
    ffmpegPath,
    ['-hide_banner', '-loglevel', 'error', '-nostdin', '-listen', '1', '-f', 'flv', '-i', url, '-c', 'copy', '-f', 'null', '-'],
    { stdio: 'ignore' },
  );
  await listening(port);
  return { url, process: child };
}
