import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { publishUrl, type StackApi, type StackStream } from '../launcher/stack/stack-api.js';

const FPS = 25;
const POLL_MS = 200;
const LIVE_LIMIT_MS = 60_000;
const END_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 15_000;

/** What has become of a stream's pictures. */
export interface FrameCount {
  sent: number;
  shown: number;
  discontinuities: number;
  gaps: number;
}

/** A real encoder's broadcast that has to come through unharmed. */
export class LiveStream {
  readonly stream: StackStream;
  readonly #api: StackApi;
  readonly #ffmpegPath: string;
  readonly #encoder: ChildProcess;
  #sent = 0;

  private constructor(api: StackApi, ffmpegPath: string, stream: StackStream) {
    this.#api = api;
    this.#ffmpegPath = ffmpegPath;
    this.stream = stream;
    this.#encoder = spawn(
      ffmpegPath,
      [
        '-hide_banner',
        '-loglevel',
        'error',
        '-nostdin',
        '-progress',
        'pipe:1',
        '-re',
        '-f',
        'lavfi',
        '-i',
        `testsrc2=size=256x144:rate=${FPS}`,
        '-re',
        '-f',
        'lavfi',
        '-i',
        'sine=sample_rate=48000',
        '-c:v',
        'libx264',
        '-preset',
        'ultrafast',
        '-tune',
        'zerolatency',
        '-pix_fmt',
        'yuv420p',
        '-g',
        String(2 * FPS),
        '-b:v',
        '300k',
        '-c:a',
        'aac',
        '-b:a',
        '64k',
        '-f',
        'flv',
        publishUrl(stream),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    this.#encoder.stdout?.on('data', (data: Buffer) => {
      for (const [, frames] of data.toString().matchAll(/^frame=\s*(\d+)/gm)) this.#sent = Number(frames);
    });
  }

  static async start(api: StackApi, ffmpegPath: string): Promise<LiveStream> {
    // Its end is not waited for: no slate follows the frames that are counted.
    const stream = await api.createStream({ name: 'beside the fuzz', reconnectWindowSeconds: 0 });
    const live = new LiveStream(api, ffmpegPath, stream);
    await live.#reaches('live', LIVE_LIMIT_MS);
    return live;
  }

  get encoderRuns(): boolean {
    return this.#encoder.exitCode === null && this.#encoder.signalCode === null;
  }

  /** Playlists, headers and newest segments as paths under the playback address. */
  async paths(): Promise<string[]> {
    const { hls } = this.stream.playback;
    const base = new URL(hls);
    const found = [base.pathname];
    for (const uri of urisOf(await text(hls))) {
      const playlist = new URL(uri, hls);
      found.push(playlist.pathname);
      found.push(
        ...urisOf(await text(playlist.href))
          .slice(-4)
          .map((media) => new URL(media, playlist).pathname),
      );
    }
    return found;
  }

  /** Stops the encoder, ends the stream, and decodes what viewers of the whole broadcast see. */
  async finish(): Promise<FrameCount> {
    await this.stop();
    await delay(POLL_MS);
    await this.#api.endStream(this.stream.id);
    await this.#reaches('ended', END_LIMIT_MS);
    const { hls } = this.stream.playback;
    const [first = ''] = urisOf(await text(hls));
    const playlist = await text(new URL(first, hls).href);
    const count = (tag: string): number => playlist.split('\n').filter((line) => line === tag).length;
    return { sent: this.#sent, shown: await this.#decoded(), discontinuities: count('#EXT-X-DISCONTINUITY'), gaps: count('#EXT-X-GAP') };
  }

  /** SIGINT, as a person stops an encoder; waits until it is gone. */
  async stop(): Promise<void> {
    if (!this.encoderRuns) return;
    const exited = once(this.#encoder, 'exit');
    this.#encoder.kill('SIGINT');
    const kill = setTimeout(() => this.#encoder.kill('SIGKILL'), STOP_LIMIT_MS);
    await exited;
    clearTimeout(kill);
  }

  async #reaches(status: string, limitMs: number): Promise<void> {
    const deadline = Date.now() + limitMs;
    while ((await this.#api.stream(this.stream.id))?.status !== status) {
      if (Date.now() > deadline) throw new Error(`The stream was not ${status} within ${limitMs} ms`);
      await delay(POLL_MS);
    }
  }

  async #decoded(): Promise<number> {
    const args = [
      '-hide_banner',
      '-loglevel',
      'error',
      '-nostdin',
      '-i',
      this.stream.playback.hls,
      '-map',
      '0:v:0',
      '-fps_mode',
      'passthrough',
      '-f',
      'null',
      '-progress',
      'pipe:1',
      '-',
    ];
    const decoder = spawn(this.#ffmpegPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let frames = 0;
    decoder.stdout.on('data', (data: Buffer) => {
      for (const [, count] of data.toString().matchAll(/^frame=\s*(\d+)/gm)) frames = Number(count);
    });
    await once(decoder, 'close');
    return frames;
  }
}

async function text(url: string): Promise<string> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.text();
}

/** URI lines and URI attributes of a playlist. */
const urisOf = (playlist: string): string[] => {
  const lines = playlist.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const attributes = [...playlist.matchAll(/URI="([^"]+)"/g)].map(([, uri = '']) => uri);
  return [...lines, ...attributes];
};
