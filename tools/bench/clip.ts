import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { exited } from './child-process.js';

export interface ClipOptions {
  ffmpegPath: string;
  /** Folder it is written to. */
  dir: string;
  seconds: number;
  /** A source of ffmpeg's lavfi. */
  picture: string;
  /** x264's options of rate and effort. */
  encoder: readonly string[];
}

/** A picture with detail and grain, as a camera has, at the rate of a good 720p30 encoder. */
export const CAMERA = {
  picture: 'testsrc2=size=1280x720:rate=30,noise=alls=12:allf=t',
  encoder: ['-preset', 'veryfast', '-b:v', '4M', '-maxrate', '4M', '-bufsize', '4M'],
} as const;

const SOUND = 'sine=frequency=300:beep_factor=4:sample_rate=48000';
const GOP_FRAMES = '60';

/** A test picture with sound, encoded once so that publishing it costs nothing. @returns its path */
export async function makeClip({ ffmpegPath, dir, seconds, picture, encoder }: ClipOptions): Promise<string> {
  const path = join(dir, 'clip.flv');
  const child = spawn(
    ffmpegPath,
    [
      '-hide_banner',
      '-loglevel',
      'error',
      '-nostdin',
      '-y',
      '-f',
      'lavfi',
      '-i',
      picture,
      '-f',
      'lavfi',
      '-i',
      SOUND,
      '-t',
      String(seconds),
      '-c:v',
      'libx264',
      '-pix_fmt',
      'yuv420p',
      '-g',
      GOP_FRAMES,
      '-keyint_min',
      GOP_FRAMES,
      '-sc_threshold',
      '0',
      '-bf',
      '0',
      ...encoder,
      '-c:a',
      'aac',
      '-b:a',
      '128k',
      '-ac',
      '2',
      path,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  await exited(child);
  if (child.exitCode !== 0) throw new Error('The clip could not be made');
  return path;
}

export interface PublishOptions {
  ffmpegPath: string;
  clip: string;
  url: string;
  /** Seconds, or the clip over and over; once through when neither is given. */
  seconds?: number;
  endless?: boolean;
}

export function publishClip({ ffmpegPath, clip, url, seconds, endless = false }: PublishOptions): ChildProcess {
  const loop = endless ? ['-stream_loop', '-1'] : [];
  const limit = seconds === undefined ? [] : ['-t', String(seconds)];
  const args = ['-hide_banner', '-loglevel', 'error', '-nostdin', '-re', ...loop, '-i', clip, ...limit, '-c', 'copy', '-f', 'flv', url];
  return spawn(ffmpegPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}
