import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ffmpegPath } from './toolchain.js';

export interface ClipOptions {
  seconds?: number;
  /** bit/s of the picture, constant; null for sound only. */
  videoBitrate?: number | null;
  audio?: boolean;
  /** Encoder options in place of x264 ultrafast. */
  videoCodec?: string[];
}

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-bf', '0', '-nal-hrd', 'cbr'];

/** A short FLV at a constant bit rate: 320x180, 30 fps, keyframes each second. */
export async function makeClip(dir: string, name: string, options: ClipOptions = {}): Promise<string> {
  const { seconds = 4, videoBitrate = 1_000_000, audio = true, videoCodec = X264 } = options;
  const path = join(dir, `${name}.flv`);
  const rate = String(videoBitrate);
  await promisify(execFile)(ffmpegPath(), [
    '-hide_banner',
    '-loglevel',
    'error',
    '-nostdin',
    '-y',
    ...(videoBitrate ? ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=30'] : []),
    ...(audio ? ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'] : []),
    '-t',
    String(seconds),
    ...(videoBitrate
      ? [...videoCodec, '-g', '30', '-keyint_min', '30', '-b:v', rate, '-minrate', rate, '-maxrate', rate, '-bufsize', rate]
      : []),
    ...(audio ? ['-c:a', 'aac', '-b:a', '96k'] : []),
    path,
  ]);
  return path;
}

const FILE_HEADER_BYTES = 13;
const TAG_OVERHEAD_BYTES = 15;
const TICK_MS = 20;
const SCRIPT = 18;
const CODEC_CONFIG = 0;

interface Tag {
  timeMs: number;
  bytes: Buffer;
  /** Metadata and codec headers, which are sent once. */
  isHeader: boolean;
}

/** Stands for the ingest's programme: plays one clip over and over, in real time, with times that go on. */
export class Programme {
  readonly #server: Server;
  readonly #header: Buffer;
  readonly #tags: Tag[];
  readonly #lengthMs: number;
  readonly #readers = new Map<ServerResponse, string | null>();
  /** Nothing is sent while true; the connections stay. */
  silent = false;

  private constructor(clip: Buffer) {
    this.#header = clip.subarray(0, FILE_HEADER_BYTES);
    this.#tags = tagsOf(clip);
    const frameMs = 34;
    this.#lengthMs = this.#tags.at(-1)!.timeMs + frameMs;
    this.#server = createServer((request, response) =>
      this.#play(response, new URL(request.url!, 'http://programme').searchParams.get('reader')),
    );
  }

  static async start(clipPath: string): Promise<Programme> {
    const programme = new Programme(readFileSync(clipPath));
    await new Promise<void>((resolve) => programme.#server.listen(0, '127.0.0.1', resolve));
    return programme;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/programme.flv`;
  }

  urlFor(reader: string): string {
    return `${this.url}?reader=${reader}`;
  }

  endReader(name: string): void {
    for (const [response, reader] of this.#readers) if (reader === name) response.end();
  }

  /** Ends every reader's programme, as an ingest does that stops. */
  endAll(): void {
    for (const response of this.#readers.keys()) response.end();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #play(response: ServerResponse, reader: string | null): void {
    this.#readers.set(response, reader);
    response.writeHead(200, { 'content-type': 'video/x-flv' });
    response.write(this.#header);
    let next = 0;
    let playedMs = 0;
    const timer = setInterval(() => {
      if (this.silent || response.writableEnded) return;
      playedMs += TICK_MS;
      for (;;) {
        const tag = this.#tags[next % this.#tags.length]!;
        const round = Math.floor(next / this.#tags.length);
        const timeMs = tag.timeMs + round * this.#lengthMs;
        if (timeMs > playedMs) return;
        next += 1;
        if (round === 0 || !tag.isHeader) response.write(atTime(tag.bytes, timeMs));
      }
    }, TICK_MS);
    response.once('close', () => {
      clearInterval(timer);
      this.#readers.delete(response);
    });
  }
}

function tagsOf(clip: Buffer): Tag[] {
  const tags: Tag[] = [];
  for (let at = FILE_HEADER_BYTES; at + TAG_OVERHEAD_BYTES <= clip.length;) {
    const length = TAG_OVERHEAD_BYTES + clip.readUIntBE(at + 1, 3);
    const bytes = clip.subarray(at, at + length);
    const PAYLOAD = 11;
    const isHeader = bytes[0] === SCRIPT || bytes[PAYLOAD + 1] === CODEC_CONFIG;
    tags.push({ timeMs: bytes.readUIntBE(4, 3), bytes, isHeader });
    at += length;
  }
  return tags;
}

function atTime(tag: Buffer, timeMs: number): Buffer {
  const copy = Buffer.from(tag);
  copy.writeUIntBE(timeMs & 0xffffff, 4, 3);
  copy[7] = timeMs >>> 24;
  return copy;
}
