import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import type { BroadcastStatus, OpenBroadcast, StartedEncode, StartEncode } from '../../domain/contracts/origin-control.js';
import type { AudioRendition, Rendition, VideoRendition } from '../../domain/ladder.js';
import type { Logger } from '../../platform/log/logger.js';
import { createControlAccess } from '../../platform/auth/control-access.js';
import { createRegistry } from '../../platform/ops/ops-server.js';
import type { VerifyPlaybackToken } from '../../origin/http/viewer-access.js';
import { startOriginServer, type OriginServer, type OriginServerOptions } from '../../origin/origin-server.js';
import { socketFolder, viewerSocket } from '../../origin/packager/socket-paths.js';
import type { ViewerProcesses } from '../../origin/viewers/viewer-processes.js';
import { startViewerServer } from '../../origin/viewers/viewer-server.js';
import { ffmpegPath } from '../support/toolchain.js';

const LOOPBACK = '127.0.0.1';
/** More than any test makes. */
const CACHE_BYTES = 64 << 20;

/** Who answers viewers, for what has to be the same either way: the name, and {@link TestOrigin.viewerProcess}. */
export const SERVED_BY = [
  ['the origin', false],
  ['a viewer process', true],
] as const;

export const video = (height: number, frameRate = 30, bitrate = 300_000): VideoRendition => ({
  id: `${height}p`,
  kind: 'video',
  width: 2 * Math.round((height * 16) / 9 / 2),
  height,
  frameRate,
  bitrate,
});
export const AUDIO: AudioRendition = { id: 'audio', kind: 'audio', bitrate: 128_000, sampleRate: 48000, channels: 2 };

/** An origin on free ports with a data folder of its own, which outlives a restart. */
export class TestOrigin {
  readonly dataDir: string;
  readonly logLines: string[] = [];
  verify: VerifyPlaybackToken = () => Promise.reject(new Error('no signed streams here'));
  tls: OriginServerOptions['tls'] = null;
  limits: OriginServerOptions['limits'] = { connections: 0, held: 0, proxies: [] };
  retentionHours = 72;
  partDuration = 1 / 3;
  diskFull = false;
  /** Viewers are served as HOLDFAST_VIEWER_PROCESSES has it, but from this process. */
  viewerProcess = false;
  readonly access = createControlAccess(randomBytes(32));
  #server: OriginServer | null = null;
  #ports = { playback: 0, control: 0 };

  private constructor(dataDir: string) {
    this.dataDir = dataDir;
  }

  static async start(settings: Partial<Pick<TestOrigin, 'tls' | 'limits' | 'viewerProcess'>> = {}): Promise<TestOrigin> {
    const origin = Object.assign(new TestOrigin(await mkdtemp(join(tmpdir(), 'holdfast-origin-'))), settings);
    try {
      await origin.start();
    } catch (error) {
      await origin.close();
      throw error;
    }
    return origin;
  }

  async start(): Promise<void> {
    const log = pino({ level: 'debug' }, { write: (line: string) => this.logLines.push(line) });
    this.#server = await startOriginServer({
      playback: { host: LOOPBACK, port: this.#ports.playback },
      startViewers: this.viewerProcess ? () => this.#startViewers(log) : null,
      control: { host: LOOPBACK, port: this.#ports.control },
      access: this.access,
      mediaDir: join(this.dataDir, 'media'),
      runDir: join(this.dataDir, 'run'),
      webDir: fileURLToPath(new URL('../../origin/web', import.meta.url)),
      retentionHours: this.retentionHours,
      cacheBytes: CACHE_BYTES,
      partDuration: this.partDuration,
      tls: this.tls,
      limits: this.limits,
      verifyPlaybackToken: (token, streamId) => this.verify(token, streamId),
      readyChecks: {},
      isDiskFull: () => this.diskFull,
      registry: createRegistry('origin'),
      log,
    });
  }

  async #startViewers(log: Logger): Promise<ViewerProcesses> {
    const registry = createRegistry('origin-viewers');
    const server = await startViewerServer({
      playback: { host: LOOPBACK, port: this.#ports.playback },
      originSocket: viewerSocket(socketFolder(join(this.dataDir, 'run'))),
      tls: this.tls,
      limits: this.limits,
      registry,
      log,
    });
    return { port: server.port, running: () => 1, metrics: async () => [await registry.getMetricsAsJSON()], close: () => server.close() };
  }

  /** The next start listens where it listens now: viewers who keep the address find it again. */
  fixPorts(): void {
    this.#ports = { playback: this.server.playbackPort, control: this.server.controlPort };
  }

  get server(): OriginServer {
    return this.#server!;
  }

  get playback(): string {
    return `${this.tls ? 'https' : 'http'}://${LOOPBACK}:${this.server.playbackPort}`;
  }

  get controlUrl(): string {
    return `http://${LOOPBACK}:${this.server.controlPort}`;
  }

  async stop(): Promise<void> {
    await this.#server?.close();
    this.#server = null;
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.dataDir, { recursive: true, force: true });
  }

  async control<T>(method: string, path: string, body?: unknown): Promise<{ status: number; body: T }> {
    const { authorization } = this.access;
    const sent = body === undefined ? undefined : JSON.stringify(body);
    const response = await fetch(`${this.controlUrl}${path}`, { method, headers: { authorization }, body: sent });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as T };
  }

  async open(broadcastId: string, options: Partial<OpenBroadcast> = {}): Promise<void> {
    const body: OpenBroadcast = { playbackId: 'play', streamId: 'stream', latency: 'standard', playbackPolicy: 'public', ...options };
    const { status } = await this.control('PUT', `/broadcasts/${broadcastId}`, body);
    if (status !== 200) throw new Error(`open answered ${status}`);
  }

  async startEncode(
    broadcastId: string,
    epoch: number,
    renditions: Rendition[],
    gopSeconds = 2,
    rest: Pick<StartEncode, 'firstGopSeconds' | 'receivedAt'> = {},
  ): Promise<StartedEncode['sockets']> {
    const request: StartEncode = { epoch, gopSeconds, renditions, ...rest };
    const { status, body } = await this.control<StartedEncode>('POST', `/broadcasts/${broadcastId}/encodes`, request);
    if (status !== 200) throw new Error(`encodes answered ${status} ${JSON.stringify(body)}`);
    return body.sockets;
  }

  /** Sum over all labels of a metric, of one process. */
  async metric(name: string, process: 'origin' | 'origin-viewers', label = ''): Promise<number> {
    const lines = (await (await fetch(`${this.controlUrl}/metrics`)).text()).split('\n');
    const own = lines.filter((line) => line.startsWith(`${name}{`) && line.includes(`process="${process}"`) && line.includes(label));
    return own.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  async status(broadcastId: string): Promise<BroadcastStatus> {
    return (await this.control<BroadcastStatus>('GET', `/broadcasts/${broadcastId}`)).body;
  }

  async text(path: string): Promise<string> {
    const response = await fetch(`${this.playback}${path}`);
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
    return response.text();
  }

  async bytes(path: string): Promise<Buffer> {
    const response = await fetch(`${this.playback}${path}`);
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  }
}

const FMP4 = [
  '-movflags',
  '+frag_every_frame+empty_moov+default_base_moof+frag_discont+skip_trailer',
  '-use_editlist',
  '0',
  '-avoid_negative_ts',
  'disabled',
  '-output_ts_offset',
  '10',
  '-flush_packets',
  '1',
  '-f',
  'mp4',
];

export interface EncodeOptions {
  sockets: Record<string, string>;
  renditions: readonly Rendition[];
  seconds: number;
  gopSeconds?: number;
  /** Seconds from the first keyframe to an early second one. */
  firstGopSeconds?: number;
  /** At the speed of the clock, as live; without it as fast as it goes. */
  realTime?: boolean;
}

/** ffmpeg making a test picture with sound into the origin's sockets, as the media worker starts it. */
export function encode({ sockets, renditions, seconds, gopSeconds = 2, firstGopSeconds, realTime = false }: EncodeOptions): ChildProcess {
  const pace = realTime ? ['-re'] : [];
  const length = ['-t', String(seconds)];
  const rate = Math.max(...renditions.map((rendition) => (rendition.kind === 'video' ? rendition.frameRate : 0)), 1);
  const inputs = [
    ...pace,
    ...length,
    '-f',
    'lavfi',
    '-i',
    `testsrc2=size=426x240:rate=${rate}`,
    ...pace,
    ...length,
    '-f',
    'lavfi',
    '-i',
    'sine=frequency=440:sample_rate=48000',
  ];
  const outputs = renditions.flatMap((rendition) => {
    const socket = `unix:${sockets[rendition.id]}`;
    if (rendition.kind === 'audio') {
      return [
        '-map',
        '1:a',
        '-c:a',
        'aac',
        '-b:a',
        '128k',
        '-ac',
        '2',
        '-ar',
        '48000',
        '-af',
        'aresample=async=1:first_pts=0',
        ...FMP4,
        socket,
      ];
    }
    const gop = String(Math.round(rendition.frameRate * gopSeconds));
    const early =
      firstGopSeconds === undefined
        ? []
        : ['-force_key_frames', `expr:eq(n,${Math.round(rendition.frameRate * firstGopSeconds)})+eq(n,${gop})`];
    const rateArgument = Number.isInteger(rendition.frameRate)
      ? String(rendition.frameRate)
      : `${Math.round(rendition.frameRate * 1001)}/1001`;
    return [
      '-map',
      '0:v',
      '-vf',
      `scale=${rendition.width}:${rendition.height},setsar=1`,
      '-c:v',
      'libx264',
      '-pix_fmt',
      'yuv420p',
      '-preset',
      'ultrafast',
      '-tune',
      'zerolatency',
      '-g',
      gop,
      '-keyint_min',
      gop,
      '-sc_threshold',
      '0',
      '-forced-idr',
      '1',
      ...early,
      '-b:v',
      String(rendition.bitrate),
      '-maxrate',
      String(rendition.bitrate),
      '-bufsize',
      String(rendition.bitrate),
      '-fps_mode',
      'cfr',
      '-r',
      rateArgument,
      ...FMP4,
      socket,
    ];
  });
  return spawn(ffmpegPath(), ['-hide_banner', '-loglevel', 'error', '-nostdin', '-y', ...inputs, ...outputs], { stdio: 'ignore' });
}

export const exited = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null ? Promise.resolve() : new Promise((resolve) => child.once('exit', () => resolve()));
