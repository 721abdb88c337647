import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { dataPaths } from '../config/addresses.js';
import { pickLadder, type EncodePlan } from '../domain/ladder.js';
import type { PassthroughMode } from '../domain/stream.js';
import { freePort } from '../launcher/ports.js';
import { startStack, type Stack } from '../launcher/stack.js';
import { EncoderRegistry } from '../media/encoder-registry.js';
import { videoEncoderOptions } from '../media/ffmpeg/video-encoder.js';
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
    const clip = await makeClip(options, dir);
    await warmUp(options, stack, clip);
    const runs = [];
    /** CPU with passthrough over CPU without, each measured against the bare ffmpeg beside it. */
    const shares: number[] = [];
    for (let run = 1; run <= options.runs; run++) {
      const result = await measureOnce(options, stack, dir, clip, 'never');
      runs.push(result);
      console.log(`run ${run}: media host ${sum(result.host).toFixed(2)} s, bare ffmpeg ${result.bare.toFixed(2)} s, ratio ${result.ratio.toFixed(3)}`);
      if (!options.passthrough) continue;
      const copied = await measureOnce(options, stack, dir, clip, 'auto');
      shares.push(copied.ratio / result.ratio);
      console.log(`run ${run}, passthrough: media host ${sum(copied.host).toFixed(2)} s, bare ffmpeg ${copied.bare.toFixed(2)} s, of the CPU without ${shares.at(-1)!.toFixed(3)}`);
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
  const stream = await createStream(stack, 'never');
  const registry = new EncoderRegistry(dataPaths(stack.dataDir).encoders);
  const publisher = publish(ffmpegPath, clip, `${stream.ingest.rtmp}/${stream.streamKey}`, WARM_UP_SECONDS);
  await encoderOf(registry);
  await exited(publisher);
  await encoderGone(registry);
  await stream.end();
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
  const { processes } = await stack.run();
  const stream = await createStream(stack, passthrough);
  const names = ['ingest', 'media-worker', 'origin'];
  const meter = new CpuMeter(Object.fromEntries(names.map((name) => [name, processes[name]!])));
  const bareUrl = `rtmp://127.0.0.1:${await freePort()}/bench/bare`;
  const bare = spawn(ffmpegPath, bareArguments(bareUrl, dir), { stdio: ['ignore', 'ignore', 'inherit'] });
  const bareMeter = new CpuMeter();
  bareMeter.follow('bare', bare.pid!, true);
  await listening(bareUrl);
  const publishers = [bareUrl, `${stream.ingest.rtmp}/${stream.streamKey}`].map((url) => publish(ffmpegPath, clip, url));
  const registry = new EncoderRegistry(dataPaths(stack.dataDir).encoders);
  const encoder = await encoderOf(registry);
  meter.follow('ffmpeg', encoder, true);
  await Promise.all([...publishers, bare].map((child) => exited(child)));
  await encoderGone(registry);
  const host = meter.stop();
  const bareSeconds = bareMeter.stop().bare!;
  await stream.end();
  return { host, bare: bareSeconds, ratio: sum(host) / bareSeconds };
}

async function createStream(stack: Stack, passthrough: PassthroughMode) {
  const { api, apiKey, apiSecret } = await stack.run();
  const authorization = `Basic ${Buffer.from(`${apiKey}:${apiSecret}`).toString('base64')}`;
  const call = async (path: string, body?: unknown): Promise<Response> =>
    fetch(`${api}/v1/streams${path}`, {
      method: 'POST',
      headers: { authorization, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  // Without a reconnect window: the slate after the publisher's end is no part of what bare ffmpeg does.
  const created = await call('', { name: 'ladder bench', reconnectWindowSeconds: 0, passthrough });
  if (!created.ok) throw new Error(`create answered ${created.status}: ${await created.text()}`);
  const stream = (await created.json()) as { id: string; streamKey: string; ingest: { rtmp: string } };
  return { ...stream, end: () => call(`/${stream.id}/end`) };
}

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

async function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** ffmpeg's `-listen` takes one connection only, so asking the port would use it up: /proc tells instead. */
async function listening(url: string): Promise<void> {
  const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, '0');
  const LISTEN_STATE = '0A';
  for (;;) {
    const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n');
    if (lines.some((line) => line.includes(`:${port} `) && line.includes(` ${LISTEN_STATE} `))) return;
    await delay(POLL_MS);
  }
}

/** A moving picture with detail and grain, as a camera has, encoded once so that publishing costs nothing. */
async function makeClip({ ffmpegPath, seconds }: LadderBenchOptions, dir: string): Promise<string> {
  const path = join(dir, 'clip.flv');
  const child = spawn(
    ffmpegPath,
    [
      '-hide_banner', '-loglevel', 'error', '-nostdin', '-y',
      '-f', 'lavfi', '-i', `testsrc2=size=1280x720:rate=${FRAME_RATE},noise=alls=12:allf=t`,
      '-f', 'lavfi', '-i', 'sine=frequency=300:beep_factor=4:sample_rate=48000',
      '-t', String(seconds),
      '-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-g', '60', '-keyint_min', '60', '-sc_threshold', '0', '-bf', '0',
      '-b:v', '4M', '-maxrate', '4M', '-bufsize', '4M', '-c:a', 'aac', '-b:a', '128k', '-ac', '2',
      path,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  await exited(child);
  if (child.exitCode !== 0) throw new Error('The clip could not be made');
  return path;
}

function publish(ffmpegPath: string, clip: string, url: string, seconds?: number): ChildProcess {
  const limit = seconds === undefined ? [] : ['-t', String(seconds)];
  const args = ['-hide_banner', '-loglevel', 'error', '-nostdin', '-re', '-i', clip, ...limit, '-c', 'copy', '-f', 'flv', url];
  return spawn(ffmpegPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** The same rungs, sizes, rates and x264 settings, from the same RTMP, by ffmpeg's own HLS muxer with CMAF segments. */
function bareArguments(url: string, dir: string): string[] {
  const plan: EncodePlan = pickLadder(SOURCE, null);
  const videos = plan.renditions.filter((rendition) => rendition.kind === 'video');
  const split = `[0:v]split=${videos.length}${videos.map((_video, index) => `[s${index}]`).join('')}`;
  const scales = videos.map(({ width, height }, index) => `[s${index}]scale=${width}:${height}:flags=bicubic,format=yuv420p[v${index}]`);
  const outputs = videos.flatMap((video, index) =>
    ['-map', `[v${index}]`, ...perStream(videoEncoderOptions(ENCODER, video, FRAME_RATE * plan.gopSeconds), index)]);
  const variants = [...videos.map((_video, index) => `v:${index},agroup:sound`), 'a:0,agroup:sound'].join(' ');
  return [
    '-hide_banner', '-loglevel', 'error', '-nostdin', '-y', '-listen', '1', '-f', 'flv', '-i', url,
    '-filter_complex', [split, ...scales].join(';'),
    ...outputs,
    '-map', '0:a', '-c:a', 'aac', '-b:a', '128k', '-ac', '2', '-ar', '48000',
    '-fps_mode', 'cfr', '-r', String(FRAME_RATE),
    '-f', 'hls', '-hls_time', String(plan.gopSeconds), '-hls_list_size', '15', '-hls_segment_type', 'fmp4',
    '-hls_flags', 'independent_segments+program_date_time+delete_segments',
    '-master_pl_name', 'index.m3u8', '-var_stream_map', variants,
    '-hls_segment_filename', join(dir, 'bare-%v-%d.m4s'), join(dir, 'bare-%v.m3u8'),
  ];
}

/** `-b:v` → `-b:v:1`, `-preset` → `-preset:v:1`: one output file holds all the streams. */
const perStream = (options: readonly string[], index: number): string[] =>
  options.map((option) => (/^-[a-z]/.test(option) ? `${option.replace(/:v$/, '')}:v:${index}` : option));
