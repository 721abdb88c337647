import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { dataPaths } from '../../platform/config/addresses.js';
import { pickLadder, type EncodePlan } from '../../domain/ladder.js';
import type { PassthroughMode } from '../../domain/stream.js';
import { freePort } from '../launcher/ports/ports.js';
import { startStack, type Stack } from '../launcher/stack/stack.js';
import { publishUrl, StackApi, type StackStream } from '../launcher/stack/stack-api.js';
import { EncoderRegistry } from '../../media/encoder/encoder-registry.js';
import { videoEncoderOptions } from '../../media/ffmpeg/video-encoder.js';
import { exited, listening } from './child-process.js';
import { CAMERA, makeClip, publishClip } from './clip.js';
import { CpuMeter, median } from './cpu-time.js';
import { describeMachine } from './machine.js';
import { keepResult, table } from './results.js';

export interface LadderBenchOptions {
  ffmpegPath: string;
  seconds: number;
  runs: number;
  /** Measures a stream with `passthrough: auto` after each one without. */
  passthrough: boolean;
}

const SOURCE = {
  video: { codec: 'h264', width: 1280, height: 720, frameRate: 30 },
  audio: { codec: 'aac', sampleRate: 48000, channels: 2 },
} as const;
const ENCODER = { name: 'libx264', preset: 'veryfast' } as const;
const FRAME_RATE = SOURCE.video.frameRate;
const POLL_MS = 50;
const WARM_UP_SECONDS = 10;

/**
 * CPU seconds of the whole media host (ingest, media worker, origin, their ffmpeg) for one 720p30 broadcast with three
 * rungs, beside bare ffmpeg that makes the same rungs with the same x264 settings into HLS. Both take the same file over
 * RTMP, at the same time, so a machine that changes its speed changes it for both.
 */
export async function runLadderBench(options: LadderBenchOptions): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  const stack = await startStack({ HOLDFAST_VIDEO_PRESET: ENCODER.preset });
  try {
    const clip = await makeClip({ ...options, ...CAMERA, dir });
    await warmUp(options, stack, clip);
    const runs = [];
    /** CPU with passthrough over CPU without, each measured against the bare ffmpeg beside it. */
    const shares: number[] = [];
    for (let run = 1; run <= options.runs; run++) {
      const result = await measureOnce(options, stack, dir, clip, 'never');
      runs.push(result);
      console.log(
        `run ${run}: media host ${sum(result.host).toFixed(2)} s, bare ffmpeg ${result.bare.toFixed(2)} s, ` +
          `ratio ${result.ratio.toFixed(3)}`,
      );
      if (!options.passthrough) continue;
      const copied = await measureOnce(options, stack, dir, clip, 'auto');
      shares.push(copied.ratio / result.ratio);
      console.log(
        `run ${run}, passthrough: media host ${sum(copied.host).toFixed(2)} s, bare ffmpeg ${copied.bare.toFixed(2)} s, ` +
          `of the CPU without ${shares.at(-1)!.toFixed(3)}`,
      );
      console.log(resultTable(copied));
    }
    const ratio = median(runs.map((result) => result.ratio));
    console.log(`\n${resultTable(runs.at(-1)!)}\n\nratio media host / bare ffmpeg (median of ${runs.length}): ${ratio.toFixed(3)}`);
    const passthrough = options.passthrough ? { shareOfCpuWithout: median(shares) } : {};
    if (options.passthrough) console.log(`CPU with passthrough / without (median): ${median(shares).toFixed(3)}`);
    const result = { machine: describeMachine(options.ffmpegPath), seconds: options.seconds, ratio, ...passthrough, runs };
    console.log(`kept in ${await keepResult(options.passthrough ? 'ladder-passthrough' : 'ladder', result)}`);
  } finally {
    await stack.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

/** A short broadcast first: a media host runs for months, so what Node compiles in its first seconds is not its cost. */
async function warmUp({ ffmpegPath }: LadderBenchOptions, stack: Stack, clip: string): Promise<void> {
  const api = new StackApi(await stack.run());
  const stream = await createStream(api, 'never');
  const registry = new EncoderRegistry(dataPaths(stack.dataDir).encoders);
  const publisher = publishClip({ ffmpegPath, clip, url: publishUrl(stream), seconds: WARM_UP_SECONDS });
  await encoderOf(registry);
  await exited(publisher);
  await encoderGone(registry);
  await api.endStream(stream.id);
}

interface LadderRun {
  host: Record<string, number>;
  bare: number;
  ratio: number;
}

const sum = (parts: Record<string, number>): number => Object.values(parts).reduce((total, part) => total + part, 0);

function resultTable({ host, bare }: LadderRun): string {
  const rows = Object.entries(host).map(([name, seconds]) => [`  ${name}`, seconds.toFixed(2)]);
  return table([['CPU seconds', ''], ['media host', sum(host).toFixed(2)], ...rows, ['bare ffmpeg', bare.toFixed(2)]]);
}

async function measureOnce(
  { ffmpegPath }: LadderBenchOptions,
  stack: Stack,
  dir: string,
  clip: string,
  passthrough: PassthroughMode,
): Promise<LadderRun> {
  const run = await stack.run();
  const api = new StackApi(run);
  const stream = await createStream(api, passthrough);
  const names = ['ingest', 'media-worker', 'origin'];
  const meter = new CpuMeter(Object.fromEntries(names.map((name) => [name, run.processes[name]!])));
  const barePort = await freePort();
  const bareUrl = `rtmp://127.0.0.1:${barePort}/bench/bare`;
  const bare = spawn(ffmpegPath, bareArguments(bareUrl, dir), { stdio: ['ignore', 'ignore', 'inherit'] });
  const bareMeter = new CpuMeter();
  bareMeter.follow('bare', bare.pid!, true);
  await listening(barePort);
  const publishers = [bareUrl, publishUrl(stream)].map((url) => publishClip({ ffmpegPath, clip, url }));
  const registry = new EncoderRegistry(dataPaths(stack.dataDir).encoders);
  const encoder = await encoderOf(registry);
  meter.follow('ffmpeg', encoder, true);
  await Promise.all([...publishers, bare].map((child) => exited(child)));
  await encoderGone(registry);
  const host = meter.stop();
  const bareSeconds = bareMeter.stop().bare!;
  await api.endStream(stream.id);
  return { host, bare: bareSeconds, ratio: sum(host) / bareSeconds };
}

/** Without a reconnect window: the slate after the publisher's end is no part of what bare ffmpeg does. */
const createStream = (api: StackApi, passthrough: PassthroughMode): Promise<StackStream> =>
  api.createStream({ name: 'ladder bench', reconnectWindowSeconds: 0, passthrough });

async function encoderOf(registry: EncoderRegistry): Promise<number> {
  for (;;) {
    const [record] = await registry.list();
    if (record) return record.process.pid;
    await delay(POLL_MS);
  }
}

async function encoderGone(registry: EncoderRegistry): Promise<void> {
  while ((await registry.list()).length > 0) await delay(POLL_MS);
}

/** The same rungs, sizes, rates and x264 settings, from the same RTMP, by ffmpeg's own HLS muxer with CMAF segments. */
function bareArguments(url: string, dir: string): string[] {
  const plan: EncodePlan = pickLadder(SOURCE, null);
  const videos = plan.renditions.filter((rendition) => rendition.kind === 'video');
  const split = `[0:v]split=${videos.length}${videos.map((_video, index) => `[s${index}]`).join('')}`;
  const scales = videos.map(({ width, height }, index) => `[s${index}]scale=${width}:${height}:flags=bicubic,format=yuv420p[v${index}]`);
  const outputs = videos.flatMap((video, index) => [
    '-map',
    `[v${index}]`,
    ...perStream(videoEncoderOptions(ENCODER, video, FRAME_RATE * plan.gopSeconds), index),
  ]);
  const variants = [...videos.map((_video, index) => `v:${index},agroup:sound`), 'a:0,agroup:sound'].join(' ');
  return [
    '-hide_banner',
    '-loglevel',
    'error',
    '-nostdin',
    '-y',
    '-listen',
    '1',
    '-f',
    'flv',
    '-i',
    url,
    '-filter_complex',
    [split, ...scales].join(';'),
    ...outputs,
    '-map',
    '0:a',
    '-c:a',
    'aac',
    '-b:a',
    '128k',
    '-ac',
    '2',
    '-ar',
    '48000',
    '-fps_mode',
    'cfr',
    '-r',
    String(FRAME_RATE),
    '-f',
    'hls',
    '-hls_time',
    String(plan.gopSeconds),
    '-hls_list_size',
    '15',
    '-hls_segment_type',
    'fmp4',
    '-hls_flags',
    'independent_segments+program_date_time+delete_segments',
    '-master_pl_name',
    'index.m3u8',
    '-var_stream_map',
    variants,
    '-hls_segment_filename',
    join(dir, 'bare-%v-%d.m4s'),
    join(dir, 'bare-%v.m3u8'),
  ];
}

/** `-b:v` → `-b:v:1`, `-preset` → `-preset:v:1`: one output file holds all the streams. */
const perStream = (options: readonly string[], index: number): string[] =>
  options.map((option) => (/^-[a-z]/.test(option) ? `${option.replace(/:v$/, '')}:v:${index}` : option));
