import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { readEnvironment } from '../../platform/config/env.js';
import { ensureToolchain } from '../launcher/toolchain/toolchain.js';
import { runFuzz } from './fuzz.js';
import { describeReport } from './report.js';

const SECONDS_PER_MINUTE = 60;
const USAGE = `npm run fuzz -- [--minutes 10] [--seed N] [--processes 2]

  Attacks a Holdfast of its own over RTMP and HTTP beside a live stream, then counts that stream's frames; with --processes
  its viewers are served by so many viewer processes.`;

const OPTIONS = {
  minutes: { type: 'string', default: '10' },
  seed: { type: 'string' },
  processes: { type: 'string', default: '0' },
  help: { type: 'boolean' },
} as const;

function readOptions() {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return process.exit(2);
  }
}

const values = readOptions();
const [minutes, viewerProcesses] = [Number(values.minutes), Number(values.processes)];
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
if (values.help || !(minutes > 0) || !Number.isInteger(seed) || !Number.isInteger(viewerProcesses) || viewerProcesses < 0) {
  console.error(USAGE);
  process.exit(values.help ? 0 : 2);
}
const { HOLDFAST_CACHE_DIR: cacheDir } = readEnvironment();
const { ffmpeg } = await ensureToolchain(['ffmpeg'], { cacheDir, env: process.env, onProgress: console.log });
process.env.HOLDFAST_FFMPEG = ffmpeg;
console.log(`seed ${seed}, ${minutes} minutes`);
const report = await runFuzz({ ffmpegPath: ffmpeg, seconds: minutes * SECONDS_PER_MINUTE, seed, viewerProcesses });
console.log(describeReport(report));
process.exit(report.problems.length === 0 ? 0 : 1);
