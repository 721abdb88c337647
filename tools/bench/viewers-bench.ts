import { execFile, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startStack } from '../launcher/stack/stack.js';
import { publishUrl, StackApi } from '../launcher/stack/stack-api.js';
import { stopped } from './child-process.js';
import { CAMERA, makeClip, publishClip } from './clip.js';
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
  /** HOLDFAST_PART_DURATION of the first, and of nginx in front. */
  partDuration: string;
  /** HOLDFAST_PART_DURATION of the second. */
  heldPartDuration: string;
  /** The first measurement alone, over HTTP/2 and TLS. */
  h2: boolean;
  /** HOLDFAST_VIEWER_PROCESSES */
  processes: number;
}

const MS_PER_SECOND = 1000;
const POLL_MS = 100;
const PLAYABLE_LIMIT_MS = 60_000;
/** Of the clip, which is published over and over. */
const CLIP_SECONDS = 20;
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
  // Nobody vouches for the certificate; this process asks for nothing but its own stacks.
  if (options.h2) process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  try {
    const clip = await makeClip({ ffmpegPath: options.ffmpegPath, dir, ...CAMERA, seconds: CLIP_SECONDS });
    const machine = describeMachine(options.ffmpegPath);
    const environment = { HOLDFAST_VIEWER_PROCESSES: String(options.processes), ...(options.h2 ? await makeCertificate(dir) : {}) };
    const followed = await whileLive(clip, { ...environment, HOLDFAST_PART_DURATION: options.partDuration }, options, async (live) => {
      const following = await live.measure({ viewers: options.viewers, held: 0 });
      const cpuMsPerViewerSecond = (MS_PER_SECOND * following.cpuSeconds) / (options.viewers * options.seconds);
      console.log(`\n${viewersTable(options, following, cpuMsPerViewerSecond)}\n`);
      const cached =
        options.h2 || options.processes > 0
          ? null
          : await behindNginx(live.url, dir, Math.min(options.viewers, CACHED_VIEWERS), live.measure);
      return { cpuMsPerViewerSecond, following, cached };
    });
    if (options.h2) {
      console.log(HOW);
      const { seconds, viewers, partDuration, processes } = options;
      const result = { machine, seconds, viewers, partDuration, processes, ...followed, cached: undefined };
      console.log(`kept in ${await keepResult(nameOf(options), result)}`);
      return;
    }
    const holding = await whileLive(clip, { ...environment, HOLDFAST_PART_DURATION: options.heldPartDuration }, options, ({ measure }) =>
      measure({ viewers: 1, held: options.held }),
    );
    console.log(`\n${heldTable(options, holding)}\n\n${HOW}`);
    console.log(`kept in ${await keepResult(nameOf(options), { machine, ...options, ffmpegPath: undefined, ...followed, holding })}`);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

const nameOf = ({ h2, processes }: ViewersBenchOptions): string => `viewers${h2 ? '-h2' : ''}${processes > 0 ? '-processes' : ''}`;

interface Live {
  url: URL;
  measure: (load: Load) => Promise<Measured>;
}

/** A stack of its own with one live stream, for as long as `use` takes. */
async function whileLive<Result>(
  clip: string,
  environment: Record<string, string>,
  options: ViewersBenchOptions,
  use: (live: Live) => Promise<Result>,
): Promise<Result> {
  const stack = await startStack(environment);
  let publisher: ChildProcess | null = null;
  try {
    const run = await stack.run();
    const stream = await new StackApi(run).createStream({ name: 'viewers bench' });
    publisher = publishClip({ ffmpegPath: options.ffmpegPath, clip, url: publishUrl(stream), endless: true });
    const url = new URL(stream.playback.hls);
    await untilPlayable(url);
    const { origin } = run.processes;
    return await use({ url, measure: (load) => measureLoad(options, origin!, url, load) });
  } finally {
    if (publisher) await stopped(publisher, 'SIGKILL');
    await stack.stop();
  }
}

interface Cached {
  viewers: number;
  direct: Measured;
  behind: Measured;
  findings: string[];
}

/** The configuration of docs/caching.md, as it stands there; null where there is no nginx. */
async function behindNginx(
  playback: URL,
  dir: string,
  viewers: number,
  measure: (load: Load) => Promise<Measured>,
): Promise<Cached | null> {
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
      ...['p50', 'p99', 'max'].map((share, index) => [
        `lateness of parts ${share}, ms`,
        direct.parts[index]!.toFixed(1),
        behind.parts[index]!.toFixed(1),
      ]),
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

/** The origin and, where there are some, its viewer processes; see proc_pid_task(5). */
function processesOf(origin: number): Record<string, number> {
  const children = readFileSync(`/proc/${origin}/task/${origin}/children`, 'utf8').trim().split(' ').filter(Boolean);
  return Object.fromEntries([String(origin), ...children].map((pid) => [pid, Number(pid)]));
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
    if (message.kind === 'measuring') meter = new CpuMeter(processesOf(origin));
    else if (message.kind === 'measured') cpuSeconds = Object.values(meter!.stop()).reduce((sum, seconds) => sum + seconds, 0);
    else report = message.report;
  });
  await once(child, 'exit');
  if (!report) throw new Error('The viewers ended without a report');
  const { parts, playlists, answers, errors } = report as LoadReport;
  const MICROS = 1e6;
  return {
    cpuSeconds,
    cpuMicrosPerAnswer: (MICROS * cpuSeconds) / answers,
    parts: quantiles(parts),
    playlists: quantiles(playlists),
    answersPerSecond: answers / options.seconds,
    errors,
  };
}

/** Samples are many: an array function with spread would overflow the stack. */
function quantiles(samples: readonly number[]): number[] {
  const sorted = Float64Array.from(samples).sort();
  return SHARES.map((share) => Number((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN).toFixed(1)));
}

const rowsOf = (name: string, values: readonly number[]): string[][] =>
  ['p50', 'p99', 'max'].map((share, index) => [`${name} ${share}, ms`, values[index]!.toFixed(1)]);

const errorsOf = ({ errors }: Measured): string =>
  Object.keys(errors).length === 0
    ? '0'
    : Object.entries(errors)
        .map(([reason, count]) => `${count} ${reason}`)
        .join(', ');

const viewersTable = ({ viewers, partDuration, h2, processes }: ViewersBenchOptions, measured: Measured, perViewer: number): string =>
  table([
    [
      `${viewers} following viewers${h2 ? ' over HTTP/2 and TLS' : ''}, parts of ${partDuration} s` +
        (processes > 0 ? `, ${processes} viewer processes` : ''),
      '',
    ],
    ['CPU of the origin per viewer-second, ms', perViewer.toFixed(3)],
    ...rowsOf('lateness of parts', measured.parts),
    ...rowsOf('lateness of playlists', measured.playlists),
    ['answers per second', measured.answersPerSecond.toFixed(0)],
    ['CPU of the origin per answer, µs', measured.cpuMicrosPerAnswer.toFixed(1)],
    ['errors', errorsOf(measured)],
  ]);

const heldTable = ({ held, heldPartDuration, seconds }: ViewersBenchOptions, measured: Measured): string =>
  table([
    [`${held} held playlist requests, parts of ${heldPartDuration} s`, ''],
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

async function untilPlayable(playlist: URL): Promise<void> {
  const limit = Date.now() + PLAYABLE_LIMIT_MS;
  while (!(await fetch(playlist)).ok) {
    if (Date.now() > limit) throw new Error('The stream did not become playable');
    await delay(POLL_MS);
  }
}

/** Settings for a certificate of this run. */
async function makeCertificate(dir: string): Promise<Record<'HOLDFAST_TLS_CERT' | 'HOLDFAST_TLS_KEY', string>> {
  const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  await promisify(execFile)('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
    '-keyout',
    key,
    '-out',
    cert,
    ...subject,
  ]);
  return { HOLDFAST_TLS_CERT: cert, HOLDFAST_TLS_KEY: key };
}
