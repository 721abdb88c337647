import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './until.js';

export interface RtmpPlatformOptions {
  /** Folder of the recordings, one FLV per connection: `<name>-<connection>.flv`. */
  dir: string;
  name: string;
  port?: number;
  /** These stream keys are refused, in the given way (`afterStart`: accepted first and closed then). */
  refuseKeys?: string[];
  refusal?: 'status' | 'close' | 'afterStart' | 'silence';
  refusalText?: string;
  /** Refuses at the connect command with this description. */
  refuseConnect?: string;
  closeAfterSeconds?: number;
  /** Files in PEM: RTMPS. */
  tls?: { key: string; cert: string };
  /** What the header of the recordings announces; both unless told. */
  tracks?: { audio: boolean; video: boolean };
}

/** What one connection has shown so far. */
export interface PlatformConnection {
  id: number;
  remotePort: number;
  /** What a TLS client asked for (SNI). */
  serverName: string | null;
  /** As published, query included; null before. */
  key: string | null;
  commands: { cmd: string; name?: string; tcUrl?: string; app?: string }[];
  bytes: number;
  /** Audio and video messages. */
  media: number;
  lastVideoMs: number;
  lastAudioMs: number;
  /** Messages whose time was before that of their predecessor. */
  backwards: number;
  closed: boolean;
  recording: string;
}

type Message = { type: string; id: number; port: number } & Partial<PlatformConnection & PlatformConnection['commands'][number]>;

/** An RTMP(S) server that stands for a social platform; a process of its own, so that it can be frozen and killed. */
export class RtmpPlatform {
  readonly connections: PlatformConnection[] = [];
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #options: RtmpPlatformOptions;

  private constructor(process: ChildProcess, port: number, options: RtmpPlatformOptions) {
    this.#process = process;
    this.port = port;
    this.#options = options;
    process.on('message', (message) => this.#take(message as Message));
  }

  static async start(options: RtmpPlatformOptions): Promise<RtmpPlatform> {
    const script = fileURLToPath(new URL('rtmp-platform-process.mjs', import.meta.url));
    const child = fork(script, [JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
    const [{ port }] = (await once(child, 'message')) as [Message];
    return new RtmpPlatform(child, port, options);
  }

  /** `rtmp://127.0.0.1:<port>/live`, or rtmps with `localhost`, the name in its certificate. */
  get url(): string {
    return this.#options.tls ? `rtmps://localhost:${this.port}/live` : `rtmp://127.0.0.1:${this.port}/live`;
  }

  get published(): PlatformConnection[] {
    return this.connections.filter((connection) => connection.key !== null);
  }

  /** The n-th connection (from 1) that was accepted and has brought media. */
  async receiving(number = 1, messages = 1): Promise<PlatformConnection> {
    return until(() => {
      const connection = this.published[number - 1];
      return connection && connection.media >= messages ? connection : null;
    }, `media of connection ${number}`);
  }

  /** Waits until the n-th accepted connection (from 1) is closed. */
  async closed(number = 1): Promise<PlatformConnection> {
    return until(() => {
      const connection = this.published[number - 1];
      return connection?.closed ? connection : null;
    }, `the end of connection ${number}`);
  }

  freeze(): void {
    this.#process.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process.kill('SIGCONT');
  }

  closeAll(): void {
    this.#process.send({ closeAll: true });
  }

  /** Like a machine that goes away, frozen or not. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exit;
  }

  #take({ type, ...message }: Message): void {
    if (type === 'connected') this.connections.push(this.#newConnection(message));
    const connection = this.connections.find(({ id }) => id === message.id);
    if (!connection) return;
    if (type === 'command') connection.commands.push({ cmd: message.cmd!, name: message.name, tcUrl: message.tcUrl, app: message.app });
    if (type === 'published') connection.key = message.key ?? '';
    if (type === 'received' || type === 'closed') {
      const { bytes, media, lastVideoMs, lastAudioMs, backwards } = message as PlatformConnection;
      Object.assign(connection, { bytes, media, lastVideoMs, lastAudioMs, backwards, closed: type === 'closed' });
    }
  }

  #newConnection({ id, remotePort = 0, serverName = null }: Omit<Message, 'type'>): PlatformConnection {
    const recording = join(this.#options.dir, `${this.#options.name}-${id}.flv`);
    const counted = { bytes: 0, media: 0, lastVideoMs: 0, lastAudioMs: 0, backwards: 0 };
    return { id, remotePort, serverName, key: null, commands: [], ...counted, closed: false, recording };
  }
}
