import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { readEnvironment } from '../config/env.js';
import { ensureToolchain } from '../launcher/toolchain.js';
import { runFuzz } from './fuzz.js';
import { describeReport } from './report.js';

const SECONDS_PER_MINUTE = 60;
const USAGE = `npm run fuzz -- [--minutes 10] [--seed N]

  Attacks a Holdfast of its own over RTMP and HTTP beside a live stream, then counts that stream's frames.`;

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' }, help: { type: 'boolean' } } });
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
if (values.help || !(minutes > 0) || !Number.isInteger(seed)) {
  console.error(USAGE);
  process.exit(values.help ? 0 : 2);
}
const { HOLDFAST_CACHE_DIR: cacheDir } = readEnvironment();
const { ffmpeg } = await ensureToolchain(['ffmpeg'], { cacheDir, env: process.env, onProgress: console.log });
process.env.HOLDFAST_FFMPEG = ffmpeg;
console.log(`seed ${seed}, ${minutes} minutes`);
const report = await runFuzz({ ffmpegPath: ffmpeg, seconds: minutes * SECONDS_PER_MINUTE, seed });
console.log(describeReport(report));
process.exit(report.problems.length === 0 ? 0 : 1);
