/** Puts the pinned ffmpeg at the path given: `node deploy/install-ffmpeg.mjs /opt/holdfast/ffmpeg`, after a build. */
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensureToolchain } from '../dist/tools/launcher/toolchain/toolchain.js';

const [target] = process.argv.slice(2);
if (!target) throw new Error('Usage: node deploy/install-ffmpeg.mjs PATH');
const cacheDir = await mkdtemp(join(tmpdir(), 'holdfast-ffmpeg-'));
try {
  const { ffmpeg } = await ensureToolchain(['ffmpeg'], { cacheDir, env: {}, onProgress: console.log });
  await mkdir(dirname(target), { recursive: true });
  await copyFile(ffmpeg, target);
} finally {
  await rm(cacheDir, { recursive: true, force: true });
}
