import { execFile, fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startStack, type Stack } from '../launcher/stack.js';
import { CpuMeter } from './cpu-time.js';
import { describeMachine } from './machine.js';
import { keepResult, table } from './results.js';
import { startNginx } from './viewers-nginx.js';
import type { LoadMessage, LoadOptions, LoadReport } from './viewers-load.js';

export interface ViewersBenchOptions {
  ffmpegPath: string;
  seconds: number;
  /** Following viewers of the first measurement. */
  viewers: number;
  /** Held playlist requests of the second. */
  held: number;
  /** HOLDFAST_PART_DURATION */
  partDuration: string;
  /** The first measurement alone, over HTTP/2 and TLS. */
  h2: boolean;
}

const MS_PER_SECOND = 1000;
const POLL_MS = 100;
const PLAYABLE_LIMIT_MS = 60_000;
const RAMP_MS = 6000;
const SETTLE_MS = 6000;
/** The best rung and the sound: what a viewer with a good connection loads. */
const TRACKS = ['720p', 'audio'];
/** Viewers of the comparison with nginx in front, at most. */
const CACHED_VIEWERS = 500;
const SHARES = [0.5, 0.99, 1];

const HOW = `Each part comes with the wall-clock time at which the origin listed it (Holdfast-Published). Lateness is from there to the
last byte in the viewers' process on the same machine; of a playlist, from the listing of the newest part it shows.`;

/**
 * Viewers that follow a live ladder as hls.js does, from a process of their own: what they cost the origin, and how late
 * parts and held playlists reach them.
 */
export async function runViewersBench(options: ViewersBenchOptions): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  const stack = await startStack({ HOLDFAST_PART_DURATION: options.partDuration, ...(options.h2 ? await makeCertificate(dir) : {}) });
  // Nobody vouches for the certificate; this process asks for nothing but its own stack.
  if (options.h2) process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  const publishers: ChildProcess[] = [];
  try {
    const clip = await makeClip(options, dir);
    const { url, publisher } = await goLive(options, stack, clip);
    publishers.push(publisher);
    const { processes } = await stack.run();
    const measure = (load: Load): Promise<Measured> => measureLoad(options, processes.origin!, url, load);
    const following = await measure({ viewers: options.viewers, held: 0 });
    const perViewer = (MS_PER_SECOND * following.cpuSeconds) / (options.viewers * options.seconds);
    console.log(`\n${viewersTable(options, following, perViewer)}\n`);
    const machine = describeMachine(options.ffmpegPath);
    if (options.h2) {
      console.log(HOW);
      const { seconds, viewers, partDuration } = options;
      console.log(`kept in ${await keepResult('viewers-h2', { machine, seconds, viewers, partDuration, cpuMsPerViewerSecond: perViewer, following })}`);
      return;
    }
    const holding = await measure({ viewers: 1, held: options.held });
    console.log(`\n${heldTable(options, holding)}\n`);
    const cached = await behindNginx(url, dir, Math.min(options.viewers, CACHED_VIEWERS), measure);
    console.log(HOW);
    const kept = { machine, ...options, ffmpegPath: undefined, cpuMsPerViewerSecond: perViewer, following, holding, cached };
    console.log(`kept in ${await keepResult('viewers', kept)}`);
  } finally {
    for (const publisher of publishers) await ended(publisher);
    await stack.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

interface Cached {
  viewers: number;
  direct: Measured;
  behind: Measured;
  findings: string[];
}

/** The configuration of docs/caching.md, as it stands there; null where there is no nginx. */
async function behindNginx(playback: URL, dir: string, viewers: number, measure: (load: Load) => Promise<Measured>): Promise<Cached | null> {
  const nginx = await startNginx(join(dir, 'nginx'), Number(playback.port));
  if (!nginx) {
    console.log('nginx is not installed: the configuration of docs/caching.md was not tried (apt-get install nginx-light)\n');
    return null;
  }
  try {
    const direct = await measure({ viewers, held: 0 });
    const behind = await measure({ viewers, held: 0, port: nginx.port, foreignQuery: true });
    const findings = await nginx.findings(await mediaFolder(playback), TRACKS[0]!);
    const rows = [
      [`${viewers} following viewers`, 'direct', 'nginx'],
      ...['p50', 'p99', 'max'].map((share, index) => [`lateness of parts ${share}, ms`, direct.parts[index]!.toFixed(1), behind.parts[index]!.toFixed(1)]),
      ['CPU of the origin, s', direct.cpuSeconds.toFixed(2), behind.cpuSeconds.toFixed(2)],
      ['errors', errorsOf(direct), errorsOf(behind)],
    ];
    console.log(`\n${table(rows)}\n${findings.map((finding) => `${finding}\n`).join('')}`);
    return { viewers, direct, behind, findings };
  } finally {
    await nginx.stop();
  }
}

type Load = Pick<LoadOptions, 'viewers' | 'held'> & Partial<LoadOptions>;

interface Measured {
  cpuSeconds: number;
  cpuMicrosPerAnswer: number;
  /** p50, p99, max in ms. */
  parts: number[];
  playlists: number[];
  answersPerSecond: number;
  errors: Record<string, number>;
}

async function measureLoad(options: ViewersBenchOptions, origin: number, playback: URL, load: Load): Promise<Measured> {
  const media = await mediaFolder(playback);
  const full: LoadOptions = {
    host: playback.hostname,
    port: Number(playback.port),
    tracks: TRACKS.map((track) => `${media}${track}/`),
    rampMs: RAMP_MS,
    settleMs: SETTLE_MS,
    measureMs: options.seconds * MS_PER_SECOND,
    foreignQuery: false,
    h2: options.h2,
    ...load,
  };
  const child = fork(fileURLToPath(new URL('viewers-load.js', import.meta.url)), [JSON.stringify(full)]);
  let meter: CpuMeter | null = null;
  let cpuSeconds = 0;
  let report: LoadReport | null = null;
  child.on('message', (message: LoadMessage) => {
    if (message.kind === 'measuring') meter = new CpuMeter({ origin });
    else if (message.kind === 'measured') cpuSeconds = meter!.stop().origin!;
    else report = message.report;
  });
  await once(child, 'exit');
  if (!report) throw new Error('The viewers ended without a report');
  const { parts, playlists, answers, errors } = report as LoadReport;
  const MICROS = 1e6;
  return { cpuSeconds, cpuMicrosPerAnswer: (MICROS * cpuSeconds) / answers, parts: quantiles(parts), playlists: quantiles(playlists), answersPerSecond: answers / options.seconds, errors };
}

/** Samples are many: an array function with spread would overflow the stack. */
function quantiles(samples: readonly number[]): number[] {
  const sorted = Float64Array.from(samples).sort();
  return SHARES.map((share) => Number((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN).toFixed(1)));
}

const rowsOf = (name: string, values: readonly number[]): string[][] =>
  ['p50', 'p99', 'max'].map((share, index) => [`${name} ${share}, ms`, values[index]!.toFixed(1)]);

const errorsOf = ({ errors }: Measured): string =>
  Object.keys(errors).length === 0 ? '0' : Object.entries(errors).map(([reason, count]) => `${count} ${reason}`).join(', ');

const viewersTable = ({ viewers, partDuration, h2 }: ViewersBenchOptions, measured: Measured, perViewer: number): string =>
  table([
    [`${viewers} following viewers${h2 ? ' over HTTP/2 and TLS' : ''}, parts of ${partDuration} s`, ''],
    ['CPU of the origin per viewer-second, ms', perViewer.toFixed(3)],
    ...rowsOf('lateness of parts', measured.parts),
    ...rowsOf('lateness of playlists', measured.playlists),
    ['answers per second', measured.answersPerSecond.toFixed(0)],
    ['CPU of the origin per answer, µs', measured.cpuMicrosPerAnswer.toFixed(1)],
    ['errors', errorsOf(measured)],
  ]);

const heldTable = ({ held, seconds }: ViewersBenchOptions, measured: Measured): string =>
  table([
    [`${held} held playlist requests`, ''],
    ...rowsOf('publish → received', measured.playlists),
    ['answers per second', measured.answersPerSecond.toFixed(0)],
    ['CPU of the origin per answer, µs', measured.cpuMicrosPerAnswer.toFixed(1)],
    ['CPU of the origin, cores', (measured.cpuSeconds / seconds).toFixed(2)],
    ['errors', errorsOf(measured)],
  ]);

async function mediaFolder(playback: URL): Promise<string> {
  const text = await (await fetch(playback)).text();
  const first = text.split('\n').find((line) => line !== '' && !line.startsWith('#'))!;
  return new URL('../', new URL(first, playback)).pathname;
}

async function goLive({ ffmpegPath }: ViewersBenchOptions, stack: Stack, clip: string): Promise<{ url: URL; publisher: ChildProcess }> {
  const { api, apiKey, apiSecret } = await stack.run();
  const authorization = `Basic ${Buffer.from(`${apiKey}:${apiSecret}`).toString('base64')}`;
  const headers = { authorization, 'content-type': 'application/json' };
  const created = await fetch(`${api}/v1/streams`, { method: 'POST', headers, body: JSON.stringify({ name: 'viewers bench' }) });
  if (!created.ok) throw new Error(`create answered ${created.status}: ${await created.text()}`);
  const stream = (await created.json()) as { streamKey: string; ingest: { rtmp: string }; playback: { hls: string } };
  const publisher = spawn(
    ffmpegPath,
    ['-hide_banner', '-loglevel', 'error', '-nostdin', '-re', '-stream_loop', '-1', '-i', clip, '-c', 'copy', '-f', 'flv', `${stream.ingest.rtmp}/${stream.streamKey}`],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const limit = Date.now() + PLAYABLE_LIMIT_MS;
  while (!(await fetch(stream.playback.hls)).ok) {
    if (Date.now() > limit) throw new Error('The stream did not become playable');
    await delay(POLL_MS);
  }
  return { url: new URL(stream.playback.hls), publisher };
}

async function ended(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** Settings for a certificate of this run. */
async function makeCertificate(dir: string): Promise<Record<'HOLDFAST_TLS_CERT' | 'HOLDFAST_TLS_KEY', string>> {
  const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-keyout', key, '-out', cert, ...subject]);
  return { HOLDFAST_TLS_CERT: cert, HOLDFAST_TLS_KEY: key };
}

/** A picture with grain at the rate of a good 720p30 encoder, encoded once so that publishing costs nothing. */
async function makeClip({ ffmpegPath }: ViewersBenchOptions, dir: string): Promise<string> {
  const path = join(dir, 'clip.flv');
  const SECONDS = 20;
  const child = spawn(
    ffmpegPath,
    [
      '-hide_banner', '-loglevel', 'error', '-nostdin', '-y',
      '-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=30,noise=alls=12:allf=t', '-f', 'lavfi', '-i', 'sine=frequency=300:sample_rate=48000',
      '-t', String(SECONDS), '-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-g', '60', '-keyint_min', '60', '-sc_threshold', '0',
      '-bf', '0', '-b:v', '4M', '-maxrate', '4M', '-bufsize', '4M', '-c:a', 'aac', '-b:a', '128k', '-ac', '2',
      path,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error('The clip could not be made');
  return path;
}
