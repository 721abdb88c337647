import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTag, tagsOfFile } from '../../ingest/rtmp/flv.js';
import { ffmpeg } from './support.js';

/** One RTMP message of a recorded publish. */
export interface Message {
  type: number;
  timeMs: number;
  payload: Buffer;
}

export interface Clip {
  size?: string;
  fps?: number;
  seconds: number;
  /** Frames from one keyframe to the next. */
  gop?: number;
  sampleRate?: number;
}

const METADATA = 18;

/** What an encoder would send, made as fast as the machine can; without its metadata. */
export async function makeClip({ size = '160x90', fps = 30, seconds, gop = 30, sampleRate = 48_000 }: Clip): Promise<Message[]> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-clip-'));
  const path = join(folder, 'clip.flv');
  const made = ffmpeg([
    '-f',
    'lavfi',
    '-i',
    `testsrc2=size=${size}:rate=${fps}`,
    '-f',
    'lavfi',
    '-i',
    `sine=sample_rate=${sampleRate}`,
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-tune',
    'zerolatency',
    '-pix_fmt',
    'yuv420p',
    '-g',
    String(gop),
    '-sc_threshold',
    '0',
    '-c:a',
    'aac',
    '-ar',
    String(sampleRate),
    '-t',
    String(seconds),
    '-f',
    'flv',
    path,
  ]);
  if ((await made.exited) !== 0) throw new Error(made.stderr());
  const messages = tagsOfFile(await readFile(path))
    .map((tag) => readTag(tag))
    .filter(({ type }) => type !== METADATA);
  await rm(folder, { recursive: true });
  return messages;
}
