import { randomInt } from 'node:crypto';
import { readEnvironment } from '../../platform/config/env.js';
import { ensureToolchain } from '../launcher/toolchain/toolchain.js';
import { asksForHelp, numberAbove0, readOptions, wholeNumber } from '../options.js';
import { runFuzz } from './fuzz.js';
import { describeReport } from './report.js';

const SECONDS_PER_MINUTE = 60;
const USAGE = `npm run fuzz -- [--minutes 10] [--seed N] [--processes 2]

  Attacks a Holdfast of its own over RTMP and HTTP beside a live stream, then counts that stream's frames; with --processes
  its viewers are served by so many viewer processes.`;

function readArguments(args: readonly string[]) {
  if (asksForHelp(args)) {
    console.log(USAGE);
    return process.exit(0);
  }
  try {
    return readOptions(args, { minutes: numberAbove0(10), seed: wholeNumber(0, null), processes: wholeNumber(0, 0) });
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return process.exit(2);
  }
}

const { minutes, seed: givenSeed, processes: viewerProcesses } = readArguments(process.argv.slice(2));
const seed = givenSeed ?? randomInt(2 ** 31);
const { HOLDFAST_CACHE_DIR: cacheDir } = readEnvironment();
const { ffmpeg } = await ensureToolchain(['ffmpeg'], { cacheDir, env: process.env, onProgress: console.log });
process.env.HOLDFAST_FFMPEG = ffmpeg;
console.log(`seed ${seed}, ${minutes} minutes`);
const report = await runFuzz({ ffmpegPath: ffmpeg, seconds: minutes * SECONDS_PER_MINUTE, seed, viewerProcesses });
console.log(describeReport(report));
process.exit(report.problems.length === 0 ? 0 : 1);
