import { spawn, type ChildProcess } from 'node:child_process';
import type { Page } from 'playwright-core';

/** The clock in the picture: 16 black and white blocks of 40 pixels that ffmpeg draws before it encodes. */
const BITS = 16;
const MODULUS = 2 ** BITS;
const BLOCK = 40;
const WIDTH = 1280;
const FRAME_RATE = 30;
const MS_PER_SECOND = 1000;

/**
 * An encoder with a 2 s GOP whose picture carries the wall clock: `RTCTIME` is the time at which ffmpeg's filters get the
 * frame, right before it is encoded, in thirtieths of a second modulo 2^16.
 */
export function publishClock(ffmpegPath: string, url: string): ChildProcess {
  const blocks = Array.from(
    { length: BITS },
    (_, bit) =>
      `drawbox=x=${bit * BLOCK}:y=0:w=${BLOCK}:h=${BLOCK}:color=white:t=fill:` +
      `enable='mod(floor(floor(t*${FRAME_RATE}+0.5)/${2 ** bit})\\,2)'`,
  );
  const clock = [
    'setpts=RTCTIME/(TB*1000000)',
    `drawbox=x=0:y=0:w=${BITS * BLOCK}:h=${BLOCK}:color=black:t=fill`,
    ...blocks,
    `setpts=N/(${FRAME_RATE}*TB)`,
  ].join(',');
  return spawn(
    ffmpegPath,
    [
      '-hide_banner',
      '-loglevel',
      'error',
      '-nostdin',
      '-re',
      '-f',
      'lavfi',
      '-i',
      `testsrc2=size=${WIDTH}x720:rate=${FRAME_RATE}`,
      '-re',
      '-f',
      'lavfi',
      '-i',
      'sine=frequency=300:beep_factor=4:sample_rate=48000',
      '-vf',
      clock,
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-tune',
      'zerolatency',
      '-pix_fmt',
      'yuv420p',
      '-g',
      '60',
      '-keyint_min',
      '60',
      '-sc_threshold',
      '0',
      '-b:v',
      '3M',
      '-c:a',
      'aac',
      '-b:a',
      '128k',
      '-flush_packets',
      '1',
      '-f',
      'flv',
      url,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
}

/** Reads the number in the frame that is shown now. */
const READ_NUMBER = `(() => {
  const { video } = window.holdfastPlayer;
  const canvas = document.createElement('canvas');
  canvas.width = ${BITS}; canvas.height = 1;
  const scale = video.videoWidth / ${WIDTH};
  const context = canvas.getContext('2d');
  context.imageSmoothingEnabled = false;
  for (let bit = 0; bit < ${BITS}; bit++) {
    context.drawImage(video, (bit + 0.5) * ${BLOCK} * scale, ${BLOCK / 2} * scale, 1, 1, bit, 0, 1, 1);
  }
  const { data } = context.getImageData(0, 0, ${BITS}, 1);
  let number = 0;
  for (let bit = 0; bit < ${BITS}; bit++) if (data[bit * 4] > 128) number += 2 ** bit;
  const at = Date.now();
  return { number, at, shown: at - window.holdfastPlayer.hls.playingDate };
})()`;

export interface PictureAge {
  /** Milliseconds since the frame that the page shows now went into the encoder. */
  glassToGlassMs: number;
  /** The same as the player tells its viewer, by the dates in the playlist. */
  shownMs: number;
}

export async function pictureAge(page: Page): Promise<PictureAge> {
  const { number, at, shown } = await page.evaluate<{ number: number; at: number; shown: number }>(READ_NUMBER);
  const now = Math.floor((at * FRAME_RATE) / MS_PER_SECOND) % MODULUS;
  return { glassToGlassMs: (((now - number + MODULUS) % MODULUS) * MS_PER_SECOND) / FRAME_RATE, shownMs: shown };
}
