import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { ControlAccess } from '../../domain/contracts/control-access.js';
import type { PublisherStatus } from '../../domain/contracts/ingest-control.js';
import type {
  ClaimHolder,
  ClaimRenewal,
  PublishClaim,
  PublishClaimRequest,
  PublishClaims,
  Revocation,
} from '../../domain/contracts/publish-claims.js';
import { type RunningIngest, startIngestServer } from '../../ingest/ingest-server.js';
import { DEFAULT_LIMITS, type IngestLimits } from '../../ingest/limits.js';
import type { StreamBelief } from '../../ingest/publish/belief.js';
import type { StreamSignals } from '../../ingest/publish/stream-signals.js';
import { createControlAccess } from '../../platform/auth/control-access.js';
import { createRegistry } from '../../platform/ops/ops-server.js';
import type { PublishRefused, PublishStarted, PublishStopped } from '../../workflows/messages.js';
import { ffmpegPath } from '../support/toolchain.js';
import { until } from '../support/until.js';

/** Claims as Postgres would decide them, in memory, with switches for what can go wrong there. */
export class MemoryClaims implements PublishClaims {
  readonly streams = new Map<string, string>();
  readonly held = new Map<string, string>();
  readonly claimed: PublishClaimRequest[] = [];
  readonly released: string[] = [];
  /** Publishes whose claim was taken away, and why. */
  readonly revoked = new Map<string, Revocation>();
  /** Streams with a broadcast on this host, publisher or not. */
  readonly open = new Set<string>();
  refusal: Extract<PublishClaim, { accepted: false }>['code'] | null = null;
  failure: Error | null = null;
  /** Asked questions wait for this. */
  gate: Promise<void> = Promise.resolve();
  #seq = 0;

  async find(streamKey: string): Promise<string | null> {
    await this.gate;
    if (this.failure) throw this.failure;
    return this.streams.get(streamKey) ?? null;
  }

  async claim(request: PublishClaimRequest): Promise<PublishClaim> {
    await this.gate;
    this.claimed.push(request);
    const streamId = this.streams.get(request.streamKey);
    if (streamId === undefined) return { accepted: false, code: 'publish_unknown_key' };
    if (this.refusal) return { accepted: false, code: this.refusal };
    const present = this.held.has(streamId) || this.open.has(streamId);
    if (!present && this.held.size >= request.room.streams) return { accepted: false, code: request.room.refusal };
    this.held.set(streamId, request.publishId);
    this.#seq += 1;
    return { accepted: true, streamId, publishSeq: this.#seq };
  }

  renew({ streamId, publishId }: ClaimHolder): Promise<ClaimRenewal> {
    if (this.failure) return Promise.reject(this.failure);
    const revoked = this.revoked.get(publishId);
    if (revoked) return Promise.resolve({ held: false, reason: revoked });
    const holder = this.held.get(streamId) ?? publishId;
    if (holder !== publishId) return Promise.resolve({ held: false, reason: 'taken_over' });
    this.held.set(streamId, publishId);
    return Promise.resolve({ held: true });
  }

  renumber(_holder: ClaimHolder, above: number): Promise<number | null> {
    this.#seq = Math.max(this.#seq, above) + 1;
    return Promise.resolve(this.#seq);
  }

  openStreams(): Promise<number> {
    return Promise.resolve(this.held.size);
  }

  release(publishId: string): Promise<void> {
    this.released.push(publishId);
    for (const [streamId, holder] of this.held) if (holder === publishId) this.held.delete(streamId);
    return Promise.resolve();
  }
}

/** What workflows would have been told, in order. */
export class RecordedSignals implements StreamSignals {
  readonly started: PublishStarted[] = [];
  readonly stopped: PublishStopped[] = [];
  readonly refused: PublishRefused[] = [];
  /** Streams whose workflow was asked what it believes, in order. */
  readonly asked: string[] = [];
  /** What it answers instead of what it was told last. */
  readonly beliefs = new Map<string, StreamBelief | null>();
  failure: Error | null = null;

  publishStarted(started: PublishStarted): Promise<void> {
    if (this.failure) return Promise.reject(this.failure);
    this.started.push(started);
    return Promise.resolve();
  }

  publishRefused(_streamId: string, refused: PublishRefused): Promise<void> {
    this.refused.push(refused);
    return Promise.resolve();
  }

  belief(streamId: string): Promise<StreamBelief | null> {
    this.asked.push(streamId);
    if (this.failure) return Promise.reject(this.failure);
    const given = this.beliefs.get(streamId);
    if (given !== undefined) return Promise.resolve(given);
    const last = this.started.filter((started) => started.streamId === streamId).at(-1);
    return Promise.resolve({ status: 'live', publisher: last ?? null, lastPublishSeq: last?.publishSeq ?? 0 });
  }

  publishStopped(_streamId: string, stopped: PublishStopped): Promise<void> {
    if (this.failure) return Promise.reject(this.failure);
    this.stopped.push(stopped);
    return Promise.resolve();
  }
}

export interface TestIngest extends RunningIngest {
  claims: MemoryClaims;
  signals: RecordedSignals;
  slatesDir: string;
  /** Whether its disk is nearly full. */
  disk: { full: boolean };
  /** Every log line, as text. */
  logged: string[];
  access: ControlAccess;
  rtmpUrl(streamKey: string): string;
  /** As a process of its host asks. */
  get(path: string): Promise<Response>;
  post(path: string, body: string): Promise<Response>;
}

/** A real ingest on free ports, with one known stream key per entry (key → stream id). */
export async function startTestIngest(streams: Record<string, string>, limits: Partial<IngestLimits> = {}): Promise<TestIngest> {
  const claims = new MemoryClaims();
  for (const [key, streamId] of Object.entries(streams)) claims.streams.set(key, streamId);
  const signals = new RecordedSignals();
  const logged: string[] = [];
  const disk = { full: false };
  const slatesDir = await mkdtemp(join(tmpdir(), 'holdfast-slates-'));
  const access = createControlAccess(randomBytes(32));
  const { authorization } = access;
  const running = await startIngestServer({
    access,
    hostId: 'test-host',
    claims,
    signals,
    slatesDir,
    limits: { ...DEFAULT_LIMITS, ...limits },
    isDiskFull: () => disk.full,
    registry: createRegistry('ingest'),
    log: pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) }),
    rtmp: { host: '127.0.0.1', port: 0 },
    control: { host: '127.0.0.1', port: 0 },
    readyChecks: {},
  });
  return {
    ...running,
    async close() {
      await running.close();
      await rm(slatesDir, { recursive: true, force: true });
    },
    access,
    claims,
    signals,
    slatesDir,
    disk,
    logged,
    rtmpUrl: (streamKey) => `rtmp://127.0.0.1:${running.rtmpPort}/live/${streamKey}`,
    get: (path) => fetch(`http://127.0.0.1:${running.controlPort}${path}`, { headers: { authorization } }),
    post: (path, body) => fetch(`http://127.0.0.1:${running.controlPort}${path}`, { method: 'POST', headers: { authorization }, body }),
  };
}

export interface Run {
  child: ChildProcess;
  /** Resolves with the exit code, null after a signal. */
  exited: Promise<number | null>;
  stdout(): string;
  stderr(): string;
}

/** Runs ffmpeg with these arguments. */
export function ffmpeg(args: string[]): Run {
  const child = spawn(ffmpegPath(), ['-hide_banner', '-nostdin', '-loglevel', 'error', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const exited = once(child, 'close').then(([code]) => code as number | null);
  return { child, exited, stdout: () => stdout, stderr: () => stderr };
}

export interface Source {
  seconds?: number;
  size?: string;
  pattern?: string;
  fps?: string;
  video?: string[] | null;
  audio?: string[] | null;
  sampleRate?: number;
  channels?: number;
  output?: string[];
}

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '30'];
const AAC = ['-c:a', 'aac', '-b:a', '64k'];

/** ffmpeg publishing a test picture with a tone, in real time. null = without that track. */
export function publish(url: string, source: Source = {}): Run {
  const {
    seconds = 3,
    size = '320x180',
    pattern = 'testsrc2',
    fps = '30',
    sampleRate = 48000,
    channels = 2,
    video = X264,
    audio = AAC,
  } = source;
  return ffmpeg([
    ...(video ? ['-re', '-f', 'lavfi', '-i', `${pattern}=size=${size}:rate=${fps}`] : []),
    ...(audio ? ['-re', '-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=${sampleRate}`] : []),
    ...(video ?? []),
    ...(audio ? [...audio, '-ac', String(channels)] : []),
    '-t',
    String(seconds),
    ...(source.output ?? []),
    '-f',
    'flv',
    url,
  ]);
}

/** Waits until the ingest has told a workflow about the next publisher. */
export async function nextStart(ingest: TestIngest, count = 1): Promise<PublishStarted> {
  const started = await until(() => ingest.signals.started[count - 1], 'the media to be described');
  return started;
}

export interface Decoded {
  video: number;
  audio: number;
  /** Seconds between consecutive pictures, in the order of showing. */
  videoSteps: number[];
  complaints: string;
}

/** How ffmpeg ends every HTTP body without a length; it encodes what it has and exits with 0. */
const HTTP_END = /Stream ends prematurely|Last message repeated|Error during demuxing: Input\/output error/;

/** Decodes a relay until its end. */
export async function decodeRelay(ingest: TestIngest, publishId: string, start = 'cache'): Promise<Decoded> {
  const url = `http://127.0.0.1:${ingest.controlPort}${ingest.access.sign(`/relay/${publishId}.flv?start=${start}`)}`;
  const reader = ffmpeg(['-i', url, '-map', '0', '-fps_mode', 'passthrough', '-enc_time_base', '1:1000', '-f', 'framecrc', '-']);
  const code = await reader.exited;
  const kinds = new Map<string, string>();
  const times: Record<string, number[]> = { video: [], audio: [] };
  for (const line of reader.stdout().split('\n')) {
    const [, index = '', kind = ''] = /^#media_type (\d+): (\w+)/.exec(line) ?? [];
    if (kind) kinds.set(index, kind);
    const [, stream = '', time] = /^(\d+), *-?\d+, *(-?\d+),/.exec(line) ?? [];
    times[kinds.get(stream) ?? '']?.push(Number(time) / 1000);
  }
  const { video = [], audio = [] } = times;
  const videoSteps = video.slice(1).map((time, index) => time - (video[index] ?? 0));
  const complaints = reader
    .stderr()
    .split('\n')
    .filter((line) => !HTTP_END.test(line))
    .join('\n');
  return { video: video.length, audio: audio.length, videoSteps, complaints: `${complaints}${code === 0 ? '' : ` exit code ${code}`}` };
}

export async function statusOf(ingest: TestIngest, publishId: string): Promise<PublisherStatus | null> {
  const response = await ingest.get(`/publishers/${publishId}`);
  return response.ok ? ((await response.json()) as PublisherStatus) : null;
}

/** A bare TCP connection to the RTMP port. */
export async function rawConnection(ingest: TestIngest, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port: ingest.rtmpPort, host: '127.0.0.1', localAddress });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Resolves when the ingest has ended the connection; a reset is such an end, too. */
export async function closedByPeer(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.closed) await new Promise<void>((resolve) => socket.once('close', () => resolve()));
}
