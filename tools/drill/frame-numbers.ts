import { spawn } from 'node:child_process';
import { once } from 'node:events';

/*
 * Every published frame carries its number in the picture: a row of black and white blocks. The number of the frame
 * within its encoder's run, and above it the number of that run.
 */

export const WIDTH = 1280;
export const HEIGHT = 720;
/** Pixels of one block: at 240 lines a third of it, which any encoder keeps. */
const BLOCK = 40;
const FRAME_BITS = 16;
const RUN_BITS = 4;
const BITS = FRAME_BITS + RUN_BITS;
export const RUNS = 2 ** RUN_BITS;
/** No encoder's: the slate, whose upper edge is dark. Runs count from 1. */
const NO_RUN = 0;
const WHITE = 128;

/** ffmpeg filters that write the number; `n` is the frame's own in this run (drawbox, timeline editing). */
export function numberFilters(run: number): string {
  const box = (bit: number, enable: string): string => `drawbox=x=${bit * BLOCK}:y=0:w=${BLOCK}:h=${BLOCK}:color=white:t=fill${enable}`;
  const frame = Array.from({ length: FRAME_BITS }, (_, bit) => box(bit, `:enable='mod(floor(n/${2 ** bit})\\,2)'`));
  const runBits = Array.from({ length: RUN_BITS }, (_, bit) => bit).filter((bit) => (run >> bit) % 2 === 1);
  return [
    `drawbox=x=0:y=0:w=${BITS * BLOCK}:h=${BLOCK}:color=black:t=fill`,
    ...frame,
    ...runBits.map((bit) => box(FRAME_BITS + bit, '')),
  ].join(',');
}

export interface NumberedFrame {
  run: number;
  frame: number;
}

/** Decodes segments of one encoder (its header first) and reads the number of every frame, in order. */
export async function readNumbers(ffmpegPath: string, media: readonly Buffer[]): Promise<NumberedFrame[]> {
  const row = `crop=iw*${BITS * BLOCK}/${WIDTH}:ih*${BLOCK}/${HEIGHT}:0:0,scale=${BITS}:1:flags=area,format=gray`;
  const args = [
    '-hide_banner',
    '-loglevel',
    'error',
    '-f',
    'mp4',
    '-i',
    'pipe:0',
    '-map',
    '0:v:0',
    '-fps_mode',
    'passthrough',
    '-vf',
    row,
    '-f',
    'rawvideo',
    'pipe:1',
  ];
  const child = spawn(ffmpegPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const pixels: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => pixels.push(chunk));
  // A picture it cannot read ends it before it has taken everything; its exit code tells.
  child.stdin.on('error', () => undefined);
  child.stdin.end(Buffer.concat(media));
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error('The segments could not be decoded');
  return parseRows(Buffer.concat(pixels));
}

export function parseRows(pixels: Uint8Array): NumberedFrame[] {
  const count = Math.floor(pixels.length / BITS);
  return Array.from({ length: count }, (_, index) => {
    let number = 0;
    for (let bit = 0; bit < BITS; bit++) if (pixels[index * BITS + bit]! > WHITE) number += 2 ** bit;
    return { run: Math.floor(number / 2 ** FRAME_BITS), frame: number % 2 ** FRAME_BITS };
  });
}

export interface FrameCount {
  frames: number;
  /** Published between two frames that are there, and missing. */
  lost: number;
  /** Shown a second time, or out of order. */
  repeated: number;
}

/** Compares what is in the segments with what was published, over as many looks as there are. */
export class FrameLedger {
  #run: number | null = null;
  #last = -1;

  take(numbers: readonly NumberedFrame[]): FrameCount {
    const count: FrameCount = { frames: numbers.length, lost: 0, repeated: 0 };
    for (const { run, frame } of numbers) {
      if (run === NO_RUN) continue;
      if (run !== this.#run) {
        // What the encoder before this one sent last may never have left its machine; what this one sent first has.
        if (this.#run !== null) count.lost += frame;
        this.#run = run;
      } else if (frame <= this.#last) {
        count.repeated += 1;
        continue;
      } else {
        count.lost += frame - this.#last - 1;
      }
      this.#last = frame;
    }
    return count;
  }
}
