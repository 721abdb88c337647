import { readEnvironment } from '../config/env.js';
import { ensureToolchain } from '../launcher/toolchain.js';
import { runLadderBench } from './ladder-bench.js';

const USAGE = `npm run bench -- ladder [--seconds 60] [--runs 1]

  ladder   CPU seconds of the media host for a 720p30 stream with three rungs, against bare ffmpeg making the same`;

const option = (args: readonly string[], name: string, fallback: number): number => {
  const index = args.indexOf(`--${name}`);
  const value = index < 0 ? fallback : Number(args[index + 1]);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} takes a whole number from 1\n\n${USAGE}`);
  return value;
};

const [bench, ...args] = process.argv.slice(2);
if (bench !== 'ladder') {
  console.error(USAGE);
  process.exit(bench === '--help' ? 0 : 2);
}
const { HOLDFAST_CACHE_DIR: cacheDir } = readEnvironment();
const { ffmpeg } = await ensureToolchain(['ffmpeg'], { cacheDir, env: process.env, onProgress: console.log });
process.env.HOLDFAST_FFMPEG = ffmpeg;
await runLadderBench({ ffmpegPath: ffmpeg, seconds: option(args, 'seconds', 60), runs: option(args, 'runs', 1) });
process.exit(0);
