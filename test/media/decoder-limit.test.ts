import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SourceLayout } from '../../domain/source.js';
import { maxPixelsOf } from '../../media/ffmpeg/decoder-limit.js';
import { ladderArguments } from '../../media/ffmpeg/ladder-command.js';
import { ffmpegPath } from '../support/toolchain.js';

const FLV_HEADER_BYTES = 13;
/** Tag header and the size behind it. */
const TAG_OVERHEAD_BYTES = 15;
const VIDEO = 9;
/** Behind the tag's header: frame type and codec, packet type, composition time (FLV specification, annex E). */
const AVC_HEADER_BYTES = 5;
const CODEC_HEADER = 0;
/** In an AVCDecoderConfigurationRecord (ISO/IEC 14496-15): what is before the first SPS. */
const BEFORE_SPS_BYTES = 6;

interface Tag {
  type: number;
  timeMs: number;
  body: Buffer;
}

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'holdfast-limit-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

function clip(name: string, size: string): Tag[] {
  const path = join(dir, `${name}.flv`);
  const input = ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=10`, '-t', '1'];
  const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-bf', '0', '-g', '10'];
  execFileSync(ffmpegPath(), ['-v', 'error', '-y', ...input, ...h264, '-flvflags', 'no_sequence_end', path]);
  const bytes = readFileSync(path);
  const tags: Tag[] = [];
  for (let at = FLV_HEADER_BYTES; at + TAG_OVERHEAD_BYTES <= bytes.length;) {
    const length = bytes.readUIntBE(at + 1, 3);
    tags.push({ type: bytes[at]!, timeMs: bytes.readUIntBE(at + 4, 3), body: bytes.subarray(at + 11, at + 11 + length) });
    at += TAG_OVERHEAD_BYTES + length;
  }
  return tags.filter(({ type }) => type === VIDEO);
}

const isCodecHeader = ({ body }: Tag): boolean => body[1] === CODEC_HEADER;

/** The same frames, whose size is said by the first of them and not by a codec header of their own. */
function withSizeInBand(tags: Tag[]): Tag[] {
  const [header, first, ...rest] = tags as [Tag, Tag, ...Tag[]];
  const record = header.body.subarray(AVC_HEADER_BYTES);
  const spsEnd = BEFORE_SPS_BYTES + 2 + record.readUInt16BE(BEFORE_SPS_BYTES);
  const sets = [record.subarray(BEFORE_SPS_BYTES + 2, spsEnd), record.subarray(spsEnd + 3)].flatMap((set) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(set.length);
    return [length, set];
  });
  const body = Buffer.concat([first.body.subarray(0, AVC_HEADER_BYTES), ...sets, first.body.subarray(AVC_HEADER_BYTES)]);
  return [{ ...first, body }, ...rest];
}

function write(path: string, tags: Tag[]): void {
  const parts: Buffer[] = [Buffer.from('464c5601010000000900000000', 'hex')];
  for (const { type, timeMs, body } of tags) {
    const head = Buffer.alloc(11);
    head[0] = type;
    head.writeUIntBE(body.length, 1, 3);
    head.writeUIntBE(timeMs, 4, 3);
    const size = Buffer.alloc(4);
    size.writeUInt32BE(head.length + body.length);
    parts.push(head, body, size);
  }
  writeFileSync(path, Buffer.concat(parts));
}

/** What takes the place of the origin's sockets. */
async function sink(path: string): Promise<Server> {
  const server = createServer((socket) => socket.resume());
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
}

async function encode(inputUrl: string, maxPixels: number): Promise<string> {
  const source: SourceLayout = { video: { codec: 'h264', width: 320, height: 180, frameRate: 10 }, audio: null };
  const rung = { id: '180p', kind: 'video' as const, width: 320, height: 180, frameRate: 10, bitrate: 300_000 };
  const socket = join(dir, `${maxPixels}.sock`);
  const server = await sink(socket);
  const encoder = { name: 'libx264', preset: 'ultrafast' } as const;
  const plan = { renditions: [rung], gopSeconds: 2 };
  const args = ladderArguments({ inputUrl, source, plan, sockets: { '180p': socket }, encoder, resumeAt: null, maxPixels });
  try {
    return (await promisify(execFile)(ffmpegPath(), args)).stderr;
  } finally {
    server.close();
  }
}

describe('a size that is said within the stream', () => {
  it('is not decoded when it is above what an encoder may send', async () => {
    const before = clip('small', '320x180');
    const large = withSizeInBand(clip('large', '1920x1080')).map((tag) => ({ ...tag, timeMs: tag.timeMs + 1000 }));
    expect(before.filter(isCodecHeader)).toHaveLength(1);
    expect(large.filter(isCodecHeader)).toHaveLength(0);
    const path = join(dir, 'grows.flv');
    write(path, [...before, ...large]);
    expect(await encode(path, maxPixelsOf([1920, 1080]))).not.toContain('exceeds');
    expect(await encode(path, maxPixelsOf([1280, 720]))).toContain('Picture size 1920x1080 exceeds specified max pixel count');
  });
});

describe('the largest picture', () => {
  it('has room for what codecs store beyond what is shown, either way up', () => {
    expect(maxPixelsOf([1920, 1080])).toBeGreaterThanOrEqual(1920 * 1088);
    expect(maxPixelsOf([2160, 3840])).toBe(maxPixelsOf([3840, 2160]));
    expect(maxPixelsOf([3840, 2160])).toBeLessThan(4096 * 2304);
  });
});
