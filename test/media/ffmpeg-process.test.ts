import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { logTail, spawnFfmpeg, stopFfmpeg } from '../../media/process/ffmpeg-process.js';
import { EncoderRegistry, stopAllEncoders } from '../../media/encoder/encoder-registry.js';
import { verifyEncoder } from '../../media/ffmpeg/verify-encoder.js';
import { findByArgument, isRunning } from '../../media/process/process-identity.js';
import { ffmpegPath } from '../support/toolchain.js';
import { until } from '../support/until.js';

const ENDLESS = ['-nostdin', '-loglevel', 'error', '-re', '-f', 'lavfi', '-i', 'color=size=64x64:rate=5', '-f', 'null', '-'];
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
});
afterEach(async () => {
  await stopAllEncoders(dir);
  rmSync(dir, { recursive: true });
});
const spawnEndless = () =>
  spawnFfmpeg({ ffmpegPath: ffmpegPath(), args: [...ENDLESS, '-metadata', `where=${dir}`], logPath: join(dir, 'log') });

describe('an encoder process', () => {
  it('is found by its identity, stops when asked, and is gone then', async () => {
    const encoder = await spawnEndless();
    expect(isRunning(encoder)).toBe(true);
    expect(isRunning({ ...encoder, startedAt: '1' })).toBe(false);
    expect(await stopFfmpeg(encoder)).toBe(true);
    expect(isRunning(encoder)).toBe(false);
    expect(await stopFfmpeg(encoder)).toBe(false);
  });

  it('that is frozen is stopped too', async () => {
    const encoder = await spawnEndless();
    process.kill(encoder.pid, 'SIGSTOP');
    expect(await stopFfmpeg(encoder)).toBe(true);
    expect(isRunning(encoder)).toBe(false);
  });

  it('can be found by one of its arguments', async () => {
    const encoder = await spawnEndless();
    expect(await until(() => findByArgument(`where=${dir}`), 'the process')).toEqual(encoder);
    await stopFfmpeg(encoder);
    expect(findByArgument(`where=${dir}`)).toBeNull();
  });

  it('that cannot read its input leaves its last words, without the address it was given', async () => {
    const logPath = join(dir, 'log');
    const args = ['-nostdin', '-loglevel', 'error', '-i', 'http://127.0.0.1:9/secret-key.flv', '-f', 'null', '-'];
    const encoder = await spawnFfmpeg({ ffmpegPath: ffmpegPath(), args, logPath }).catch(() => null);
    if (encoder) await until(() => !isRunning(encoder), 'its end');
    const tail = await logTail(logPath);
    expect(tail).toContain('refused');
    expect(tail).not.toContain('secret-key');
  });

  it('that is written down is ended with all others', async () => {
    const process = await spawnEndless();
    const registry = new EncoderRegistry(dir);
    const record = { broadcastId: 'brd_1', publishId: 'pub', epoch: 3, process, logPath: join(dir, 'log') };
    await registry.write(record);
    expect(await registry.read('brd_1')).toEqual(record);
    expect(await stopAllEncoders(dir)).toBe(1);
    expect(isRunning(process)).toBe(false);
    expect(await registry.read('brd_1')).toBeNull();
  });
});

describe('the check of the chosen encoder', () => {
  it('passes for libx264', async () => {
    await expect(verifyEncoder(ffmpegPath(), { name: 'libx264', preset: 'veryfast' })).resolves.toBeUndefined();
  });

  it('names the variable to change when an encoder does not work here', async () => {
    await expect(verifyEncoder(ffmpegPath(), { name: 'h264_videotoolbox', preset: 'veryfast' })).rejects.toThrow(/HOLDFAST_VIDEO_ENCODER/);
  });
});
