import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { spawnFfmpeg, stopFfmpeg } from '../../media/process/ffmpeg-process.js';
import { isRunning } from '../../media/process/process-identity.js';
import { readRestreamLog } from '../../media/restream/restream-log.js';
import { readProgress } from '../../media/restream/restream-progress.js';
import { RestreamRegistry, stopAllRestreams } from '../../media/restream/restream-registry.js';
import { ffmpegPath } from '../support/toolchain.js';
import { until } from '../support/until.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('the progress of a restream', () => {
  const report = (bytes: string, time: string): string => `bitrate=1\ntotal_size=${bytes}\nout_time_us=${time}\nprogress=continue\n`;

  it('is what was reported last', async () => {
    const path = join(dir, 'progress');
    expect(readProgress(path)).toBeNull();
    writeFileSync(path, report('N/A', 'N/A'));
    expect(readProgress(path)).toBeNull();
    appendFileSync(path, report('1000', '1500000') + report('2000', '2500000'));
    expect(readProgress(path)).toEqual({ bytes: 2000, mediaSeconds: 2.5, position: statSync(path).size });
  });

  it('is still read, and moves on, after the old part of its file was given back to the disk', async () => {
    const path = join(dir, 'progress');
    const args = [
      '-nostdin',
      '-loglevel',
      'error',
      '-progress',
      path,
      '-stats_period',
      '0.05',
      '-re',
      '-f',
      'lavfi',
      '-i',
      'color=size=64x64:rate=20',
      '-f',
      'mpegts',
      join(dir, 'out.ts'),
    ];
    const encoder = await spawnFfmpeg({ ffmpegPath: ffmpegPath(), args, logPath: join(dir, 'log') });
    try {
      await until(() => readProgress(path)?.mediaSeconds, 'a report');
      // As after days: what ffmpeg has written so far counts as more than is kept.
      appendFileSync(path, '\n'.repeat(1 << 20));
      const before = await until(() => readProgress(path), 'the report before');
      const after = await until(() => {
        const now = readProgress(path);
        return now && now.mediaSeconds > before.mediaSeconds ? now : null;
      }, 'the report after');
      expect(after.position).not.toBe(before.position);
      expect(statSync(path).blocks * 512).toBeLessThan(1 << 20);
    } finally {
      await stopFfmpeg(encoder);
    }
  });
});

describe('the log of a restream', () => {
  it('begins with the attempt, and has no secret in it, in what is shown as in the file', async () => {
    const path = join(dir, 'log');
    writeFileSync(path, 'before\n');
    const from = statSync(path).size;
    appendFileSync(path, '[rtmp] [error] Server error: no such key my-key?x=1\nrtmp://host:1/app/my-key failed\n');
    const shown = await readRestreamLog(path, from, ['my-key?x=1', 'my-key']);
    expect(shown).toBe('[rtmp] [error] Server error: no such key …\nrtmp://host:1/… failed');
    expect(readFileSync(path, 'utf8')).toBe(`before\n${shown}\n`);
  });

  it('leaves out what the platform said when the secrets cannot be known', async () => {
    const path = join(dir, 'log');
    writeFileSync(path, '[rtmp] [error] Server error: no such key my-key\n');
    expect(await readRestreamLog(path, 0, null)).toBe('[rtmp] [error] Server error: …');
  });

  it('is empty when there is none', async () => {
    expect(await readRestreamLog(join(dir, 'none'), 0, [])).toBe('');
  });
});

describe('the restreams of a host', () => {
  it('are all ended when everything stops, and leave nothing', async () => {
    const restreams = new RestreamRegistry(join(dir, 'restreams'));
    const args = ['-nostdin', '-loglevel', 'error', '-re', '-f', 'lavfi', '-i', 'color=size=64x64:rate=5', '-f', 'null', '-'];
    const process = await spawnFfmpeg({ ffmpegPath: ffmpegPath(), args, logPath: join(dir, 'log') });
    const key = { broadcastId: 'brd_1', destinationId: 'dst_1' };
    const progressPath = restreams.progressPath(key, 1);
    const format = { source: { video: null, audio: null }, rendition: 'source', container: 'flv' } as const;
    await restreams.write({
      ...key,
      attempt: 1,
      process,
      format,
      reader: 'one',
      logPath: join(dir, 'log'),
      logOffset: 0,
      progressPath,
      live: true,
      stopping: false,
      slate: true,
    });
    writeFileSync(progressPath, '');
    expect(await stopAllRestreams(join(dir, 'restreams'))).toBe(1);
    expect(isRunning(process)).toBe(false);
    expect(await restreams.list()).toEqual([]);
    expect(() => statSync(progressPath)).toThrow(/ENOENT/);
  });
});
