import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium, type Browser, type Page } from 'playwright-core';
import { startStack, type Stack } from '../launcher/stack.js';
import { median } from './cpu-time.js';
import { describeMachine } from './machine.js';
import { keepResult, table } from './results.js';

export interface LatencyBenchOptions {
  ffmpegPath: string;
  chromiumPath: string;
  runs: number;
  /** Seconds of watching after the player has settled. */
  seconds: number;
  /** HOLDFAST_PART_DURATION */
  partDuration: string;
}

/** Until hls.js has caught up with the edge. */
const SETTLE_MS = 15_000;
const SAMPLE_MS = 250;
const POLL_MS = 10;
const FIRST_PICTURE_LIMIT_MS = 30_000;
const FLAGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--autoplay-policy=no-user-gesture-required'];

/** The clock in the picture: 16 black and white blocks of 40 pixels that ffmpeg draws before it encodes. */
const BITS = 16;
const MODULUS = 2 ** BITS;
const BLOCK = 40;
const WIDTH = 1280;
const FRAME_RATE = 30;
const MS_PER_SECOND = 1000;

interface LatencyRun {
  firstPictureMs: number;
  steps: Record<string, number>;
  glassToGlassMs: number[];
  stalls: number;
}

/** Publish → first picture, and glass to glass by a frame number in the pixels, with a three-rung ladder of 720p30. */
export async function runLatencyBench(options: LatencyBenchOptions): Promise<void> {
  const stack = await startStack({ HOLDFAST_PART_DURATION: options.partDuration });
  const browser = await chromium.launch({ executablePath: options.chromiumPath, args: FLAGS });
  try {
    const runs: LatencyRun[] = [];
    for (let run = 1; run <= options.runs; run++) {
      const result = await measureOnce(options, stack, browser, run === options.runs);
      runs.push(result);
      console.log(`run ${run}: first picture after ${result.firstPictureMs.toFixed(0)} ms (${Object.entries(result.steps).map(([name, ms]) => `${name} ${ms}`).join(', ')})`);
    }
    const watched = runs.at(-1)!.glassToGlassMs.sort((a, b) => a - b);
    const at = (share: number): number => watched[Math.min(watched.length - 1, Math.floor(share * watched.length))] ?? NaN;
    const summary = {
      partDuration: options.partDuration,
      firstPictureMs: median(runs.map(({ firstPictureMs }) => firstPictureMs)),
      glassToGlassMs: { p50: at(0.5), p95: at(0.95), min: at(0), max: at(1), samples: watched.length },
      stalls: runs.at(-1)!.stalls,
    };
    console.log(`\n${summaryTable(summary, options.runs)}`);
    const name = `latency-${options.partDuration.replace('.', '-')}`;
    console.log(`kept in ${await keepResult(name, { machine: describeMachine(options.ffmpegPath), ...summary, runs: runs.map(({ firstPictureMs, steps }) => ({ firstPictureMs, steps })) })}`);
  } finally {
    await browser.close();
    await stack.stop();
  }
}

interface Summary {
  partDuration: string;
  firstPictureMs: number;
  glassToGlassMs: { p50: number; p95: number; min: number; max: number; samples: number };
  stalls: number;
}

const summaryTable = ({ partDuration, firstPictureMs, glassToGlassMs: glass, stalls }: Summary, runs: number): string =>
  table([
    [`parts of ${partDuration} s`, 'ms'],
    [`publish → first picture, median of ${runs}`, firstPictureMs.toFixed(0)],
    ['glass to glass p50', glass.p50.toFixed(0)],
    ['glass to glass p95', glass.p95.toFixed(0)],
    ['glass to glass min', glass.min.toFixed(0)],
    ['glass to glass max', glass.max.toFixed(0)],
    ['samples', String(glass.samples)],
    ['stalls', String(stalls)],
  ]);

async function measureOnce(options: LatencyBenchOptions, stack: Stack, browser: Browser, watch: boolean): Promise<LatencyRun> {
  const { api, apiKey, apiSecret } = await stack.run();
  const authorization = `Basic ${Buffer.from(`${apiKey}:${apiSecret}`).toString('base64')}`;
  const call = (path: string, body?: unknown): Promise<Response> =>
    fetch(`${api}/v1/streams${path}`, { method: 'POST', headers: { authorization, ...(body ? { 'content-type': 'application/json' } : {}) }, ...(body ? { body: JSON.stringify(body) } : {}) });
  const stream = (await (await call('', { name: 'latency bench' })).json()) as { id: string; streamKey: string; ingest: { rtmp: string }; playback: { hls: string; player: string } };
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
  await page.goto(stream.playback.player);
  const startedAt = Date.now();
  const publisher = publish(options.ffmpegPath, `${stream.ingest.rtmp}/${stream.streamKey}`);
  try {
    const steps = await timeSteps(stream.playback.hls, page, startedAt);
    const result: LatencyRun = { firstPictureMs: steps['first picture']!, steps, glassToGlassMs: [], stalls: 0 };
    if (watch) Object.assign(result, await watchPicture(page, options.seconds));
    return result;
  } finally {
    publisher.kill('SIGINT');
    if (publisher.exitCode === null) await once(publisher, 'exit');
    await page.close();
    await call(`/${stream.id}/end`);
  }
}

/** Milliseconds from the start of the publisher's process, which takes some of them itself. */
async function timeSteps(hls: string, page: Page, startedAt: number): Promise<Record<string, number>> {
  const steps: Record<string, number> = {};
  const limit = startedAt + FIRST_PICTURE_LIMIT_MS;
  const [playlist] = await Promise.all([
    (async () => {
      while (!(await fetch(hls)).ok && Date.now() < limit) await delay(POLL_MS);
      return Date.now() - startedAt;
    })(),
    (async () => {
      while (!(await page.evaluate<boolean>(PICTURE_SHOWN)) && Date.now() < limit) await delay(POLL_MS);
      steps['first picture'] = Date.now() - startedAt;
    })(),
  ]);
  if (Date.now() >= limit) throw new Error('No picture came');
  return { 'playable playlist': playlist, ...steps };
}

const PICTURE_SHOWN = 'window.holdfastPlayer.video.getVideoPlaybackQuality().totalVideoFrames > 0 && window.holdfastPlayer.video.currentTime > 0';

const COUNT_STALLS = `window.stalls = 0, window.holdfastPlayer.video.addEventListener('waiting', () => window.stalls++)`;

/** Reads the number in the frame that is shown now. */
const READ_NUMBER = `(() => {
  const { video } = window.holdfastPlayer;
  const canvas = document.createElement('canvas');
  canvas.width = ${BITS}; canvas.height = 1;
  const scale = video.videoWidth / ${WIDTH};
  const context = canvas.getContext('2d');
  context.imageSmoothingEnabled = false;
  for (let bit = 0; bit < ${BITS}; bit++) {
    context.drawImage(video, (bit + 0.5) * ${BLOCK} * scale, ${BLOCK / 2} * scale, 1, 1, bit, 0, 1, 1);
  }
  const { data } = context.getImageData(0, 0, ${BITS}, 1);
  let number = 0;
  for (let bit = 0; bit < ${BITS}; bit++) if (data[bit * 4] > 128) number += 2 ** bit;
  return { number, at: Date.now() };
})()`;

/** Samples what is shown beside the clock; hls.js has had time to come to its steady distance. */
async function watchPicture(page: Page, seconds: number): Promise<{ glassToGlassMs: number[]; stalls: number }> {
  await delay(SETTLE_MS);
  await page.evaluate(COUNT_STALLS);
  const glassToGlassMs: number[] = [];
  const end = Date.now() + seconds * MS_PER_SECOND;
  while (Date.now() < end) {
    const { number, at } = await page.evaluate<{ number: number; at: number }>(READ_NUMBER);
    const now = Math.floor((at * FRAME_RATE) / MS_PER_SECOND) % MODULUS;
    glassToGlassMs.push((((now - number + MODULUS) % MODULUS) * MS_PER_SECOND) / FRAME_RATE);
    await delay(SAMPLE_MS);
  }
  return { glassToGlassMs, stalls: await page.evaluate<number>('window.stalls') };
}

/**
 * An encoder with a 2 s GOP whose picture carries the wall clock: `RTCTIME` is the time at which ffmpeg's filters get the
 * frame, right before it is encoded, in thirtieths of a second modulo 2^16.
 */
function publish(ffmpegPath: string, url: string): ChildProcess {
  const blocks = Array.from({ length: BITS }, (_, bit) =>
    `drawbox=x=${bit * BLOCK}:y=0:w=${BLOCK}:h=${BLOCK}:color=white:t=fill:enable='mod(floor(floor(t*${FRAME_RATE}+0.5)/${2 ** bit})\\,2)'`,
  );
  const clock = [
    'setpts=RTCTIME/(TB*1000000)',
    `drawbox=x=0:y=0:w=${BITS * BLOCK}:h=${BLOCK}:color=black:t=fill`,
    ...blocks,
    `setpts=N/(${FRAME_RATE}*TB)`,
  ].join(',');
  return spawn(
    ffmpegPath,
    [
      '-hide_banner', '-loglevel', 'error', '-nostdin',
      '-re', '-f', 'lavfi', '-i', `testsrc2=size=${WIDTH}x720:rate=${FRAME_RATE}`,
      '-re', '-f', 'lavfi', '-i', 'sine=frequency=300:beep_factor=4:sample_rate=48000',
      '-vf', clock,
      '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '60', '-keyint_min', '60', '-sc_threshold', '0',
      '-b:v', '3M', '-c:a', 'aac', '-b:a', '128k', '-flush_packets', '1', '-f', 'flv', url,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
}
