import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRunning } from '../../media/process-identity.js';
import { makeClip } from '../support/programme.js';
import { ffmpegPath, ffprobePath } from '../support/toolchain.js';
import { until } from '../support/until.js';
import { KEY, RestreamBench } from './support.js';

let bench: RestreamBench;
beforeAll(async () => {
  bench = new RestreamBench();
  await bench.play(await makeClip(bench.dir, 'clip'));
});
afterAll(() => bench.close());

const commandsOf = (connection: { commands: { cmd: string }[] }) => connection.commands.map(({ cmd }) => cmd);
const codecsOf = (path: string): string[] =>
  execFileSync(ffprobePath(), ['-v', 'error', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', path], { encoding: 'utf8' }).trim().split('\n');
const decodeErrors = (path: string): string =>
  execFileSync(ffmpegPath(), ['-v', 'error', '-i', path, '-f', 'null', '-'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
/** What anybody on this machine can read of running processes. */
const processList = (): string =>
  readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    } catch {
      return '';
    }
  }).join('\n');

describe('a restream', () => {
  it('brings the programme to the platform under its key, which no process list shows, and takes leave when stopped', async () => {
    const platform = await bench.platform('accepts');
    bench.target('dst_accepts', platform.url);
    const activities = bench.activities();
    let seen = '';
    const watching = setInterval(() => (seen += processList()), 5);
    const run = bench.run(activities, 'dst_accepts');
    await bench.live(activities, 'dst_accepts');
    clearInterval(watching);
    const connection = await platform.receiving(1, 100);
    expect(connection.key).toBe(KEY);
    expect(connection.commands[0]).toMatchObject({ cmd: 'connect', app: 'live', tcUrl: platform.url });
    expect(seen).toContain('rtmp_playpath');
    expect(seen).not.toContain(KEY);
    expect(await until(() => run.progress()?.bytesSent, 'progress')).toBeGreaterThan(10_000);

    expect(await bench.stop(activities, 'dst_accepts')).toEqual({ forced: false });
    expect(await run.end).toMatchObject({ code: 'stopped', wasLive: true });
    const closed = await platform.closed();
    expect(commandsOf(closed).slice(-2)).toEqual(['FCUnpublish', 'deleteStream']);
    expect(closed.backwards).toBe(0);
    expect(codecsOf(closed.recording).sort()).toEqual(['aac', 'h264']);
    expect(decodeErrors(closed.recording)).toBe('');
    expect(await bench.stop(activities, 'dst_accepts')).toEqual({ forced: false });
    expect(readdirSync(join(bench.dir, 'restreams'))).toEqual([]);
  });
});
