import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRestreamActivities } from '../../activities/restream.js';
import { isRunning } from '../../media/process/process-identity.js';
import { readProgress } from '../../media/restream/restream-progress.js';
import { tcpConnections } from '../../media/process/tcp-connections.js';
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
  execFileSync(ffprobePath(), ['-v', 'error', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', path], { encoding: 'utf8' })
    .trim()
    .split('\n');
const decodeErrors = (path: string): string =>
  execFileSync(ffmpegPath(), ['-v', 'error', '-i', path, '-f', 'null', '-'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const filesBelow = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
/** What anybody on this machine can read of running processes. */
const processList = (): string =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return '';
      }
    })
    .join('\n');

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

  it.each([
    ['in words', 'status', /refused the stream: "Key … is not known"/],
    ['by closing', 'close', /closed the connection before it took the stream/],
    ['by closing after it has accepted it', 'afterStart', /closed the connection as soon as the stream began/],
  ] as const)('whose key is refused %s fails at once and says what to do', async (_how, refusal, words) => {
    const platform = await bench.platform(`refuses-${refusal}`, { refuseKeys: [KEY], refusal, refusalText: `Key ${KEY} is not known` });
    bench.target(`dst_${refusal}`, platform.url);
    const activities = bench.activities();
    const end = await bench.run(activities, `dst_${refusal}`).end;
    expect(end).toMatchObject({ code: 'destination_refused', wasLive: false });
    expect(end.detail).toMatch(words);
    expect(end.detail).toMatch(/Check the stream key/);
    expect(filesBelow(bench.dir).filter((path) => readFileSync(path, 'latin1').includes(KEY))).toEqual([]);
  });

  it('refused by the platform before a key is even sent says so', async () => {
    const platform = await bench.platform('refuses-app', { refuseConnect: 'No such application' });
    bench.target('dst_app', platform.url);
    const end = await bench.run(bench.activities(), 'dst_app').end;
    expect(end).toMatchObject({ code: 'destination_refused', detail: expect.stringContaining('No such application') as string });
  });

  it('finds a platform that is down, and one that is no platform, unreachable', async () => {
    const platform = await bench.platform('down');
    await platform.stop();
    bench.target('dst_down', platform.url);
    bench.target('dst_other', bench.programme.url.replace('http:', 'rtmp:').replace('programme.flv', 'live'));
    bench.target('dst_nowhere', 'rtmp://no-such-host.invalid/live');
    const activities = bench.activities();
    const ends = await Promise.all(['dst_down', 'dst_other', 'dst_nowhere'].map((id) => bench.run(activities, id).end));
    expect(ends.map(({ code }) => code)).toEqual(Array(3).fill('destination_unreachable'));
    expect(ends.map(({ detail }) => detail)).toEqual([
      expect.stringContaining('Connection refused'),
      expect.stringContaining('no RTMP server'),
      expect.stringContaining('no-such-host.invalid was not found'),
    ]);
  });

  it('is lost when a platform that took it closes the connection', async () => {
    const platform = await bench.platform('closes');
    bench.target('dst_closes', platform.url);
    const activities = bench.activities();
    const run = bench.run(activities, 'dst_closes');
    await bench.live(activities, 'dst_closes');
    platform.closeAll();
    expect(await run.end).toMatchObject({ code: 'destination_lost', wasLive: true });
    // The next attempt is a new connection.
    const again = bench.run(activities, 'dst_closes', 2);
    await bench.live(activities, 'dst_closes', 2);
    await bench.stop(activities, 'dst_closes');
    expect(await again.end).toMatchObject({ code: 'stopped' });
    expect(platform.published).toHaveLength(2);
  });

  it('says that the programme is lost when it ends, and takes leave of the platform', async () => {
    const platform = await bench.platform('programme-ends');
    bench.target('dst_programme', platform.url);
    const activities = bench.activities();
    const run = bench.run(activities, 'dst_programme');
    await bench.live(activities, 'dst_programme');
    bench.programme.endAll();
    expect(await run.end).toMatchObject({ code: 'restream_source_lost', wasLive: true });
    expect(commandsOf(await platform.closed())).toContain('deleteStream');
  });

  it('goes on over the end of its worker: the next run adopts process and connection, and can stop it', async () => {
    const platform = await bench.platform('adopted');
    bench.target('dst_adopted', platform.url);
    const old = await bench.host();
    const before = createRestreamActivities(old);
    const first = bench.run(before, 'dst_adopted');
    await bench.live(before, 'dst_adopted');
    const { pid } = await until(first.progress, 'progress');
    first.shutDown();
    await expect(first.end).rejects.toThrow();
    old.close();

    const after = createRestreamActivities(await bench.host());
    const second = bench.run(after, 'dst_adopted');
    expect((await until(second.progress, 'progress of the second run')).pid).toBe(pid);
    await bench.live(after, 'dst_adopted');
    const connection = await platform.receiving();
    const { media } = connection;
    await until(() => connection.media > media + 30, 'more media');
    expect(await bench.stop(after, 'dst_adopted')).toEqual({ forced: false });
    expect(await second.end).toMatchObject({ code: 'stopped', wasLive: true });
    expect(platform.connections).toHaveLength(1);
    expect(commandsOf(await platform.closed())).toContain('FCUnpublish');
  });

  it('that ended while nobody watched is told by the next run', async () => {
    const platform = await bench.platform('unwatched');
    bench.target('dst_unwatched', platform.url);
    const activities = bench.activities();
    const first = bench.run(activities, 'dst_unwatched');
    await bench.live(activities, 'dst_unwatched');
    first.shutDown();
    await expect(first.end).rejects.toThrow();
    const record = (await bench.restreams.of({ broadcastId: 'brd_1', destinationId: 'dst_unwatched' }))!;
    platform.closeAll();
    await until(() => !isRunning(record.process), 'the end of its ffmpeg');
    expect(await bench.run(activities, 'dst_unwatched').end).toMatchObject({ code: 'destination_lost', wasLive: true });
  });

  it('is closed politely when its workflow cancels, and the stop that follows hears the same', async () => {
    const platform = await bench.platform('cancelled');
    bench.target('dst_cancelled', platform.url);
    const activities = bench.activities();
    const run = bench.run(activities, 'dst_cancelled');
    await bench.live(activities, 'dst_cancelled');
    run.cancel();
    expect(await bench.stop(activities, 'dst_cancelled')).toEqual({ forced: false });
    await expect(run.end).rejects.toThrow();
    expect(commandsOf(await platform.closed())).toContain('deleteStream');
  });

  it('to a frozen platform is cut when stopped, and that is told', async () => {
    const platform = await bench.platform('frozen-stop');
    bench.target('dst_frozen_stop', platform.url);
    const activities = bench.activities();
    const run = bench.run(activities, 'dst_frozen_stop');
    await bench.live(activities, 'dst_frozen_stop');
    platform.freeze();
    const record = (await bench.restreams.of({ broadcastId: 'brd_1', destinationId: 'dst_frozen_stop' }))!;
    await until(
      () => (tcpConnections(record.process.pid) ?? []).some(({ unacknowledged }) => unacknowledged > 200_000),
      'a full connection',
      60_000,
    );
    expect(await bench.stop(activities, 'dst_frozen_stop')).toEqual({ forced: true });
    expect(await run.end).toMatchObject({ code: 'stopped' });
    expect(isRunning(record.process)).toBe(false);
  });

  it('to a platform that freezes is wedged, and cut', async () => {
    const platform = await bench.platform('freezes');
    bench.target('dst_freezes', platform.url);
    const activities = bench.activities();
    const run = bench.run(activities, 'dst_freezes');
    await bench.live(activities, 'dst_freezes');
    platform.freeze();
    expect(await run.end).toMatchObject({ code: 'destination_wedged', wasLive: true });
  });

  it('pauses without a slate while the programme does, and takes leave of the platform when it is stopped meanwhile', async () => {
    const platform = await bench.platform('pauses');
    bench.target('dst_pauses', platform.url, { slate: false });
    const activities = bench.activities();
    const run = bench.run(activities, 'dst_pauses');
    await bench.live(activities, 'dst_pauses');
    const connection = await platform.receiving();
    bench.programme.silent = true;
    const paused = await until(() => run.progress(), 'progress');
    bench.programme.silent = false;
    await until(() => (run.progress()?.bytesSent ?? 0) > paused.bytesSent + 100_000, 'more of the programme');
    expect(connection.backwards).toBe(0);
    bench.programme.silent = true;
    const { progressPath } = (await bench.restreams.of({ broadcastId: 'brd_1', destinationId: 'dst_pauses' }))!;
    let last = readProgress(progressPath)!;
    await until(() => {
      const before = last;
      last = readProgress(progressPath)!;
      return last.position > before.position && last.bytes === before.bytes;
    }, 'a pause that its ffmpeg reports');
    expect(await bench.stop(activities, 'dst_pauses')).toEqual({ forced: false });
    bench.programme.silent = false;
    expect(await run.end).toMatchObject({ code: 'stopped' });
    expect(commandsOf(await platform.closed()).slice(-2)).toEqual(['FCUnpublish', 'deleteStream']);
    expect(platform.connections).toHaveLength(1);
  });

  it('to a platform that answers nothing is given up as unreachable', async () => {
    const platform = await bench.platform('silent', { refuseKeys: [KEY], refusal: 'silence' });
    bench.target('dst_silent', platform.url);
    expect(await bench.run(bench.activities(), 'dst_silent').end).toMatchObject({ code: 'destination_unreachable', wasLive: false });
  });

  it('of a destination that was deleted is nothing to do, and of one with a wrong address says so', async () => {
    expect(await bench.run(bench.activities(), 'dst_none').end).toMatchObject({ code: 'stopped' });
    bench.target('dst_wrong', 'https://example.com/live');
    expect(await bench.run(bench.activities(), 'dst_wrong').end).toMatchObject({ code: 'destination_url_invalid' });
  });
});

describe('waiting for a restream to be live', () => {
  it('ends for good when the connection ends before', async () => {
    const platform = await bench.platform('never-live', { refuseKeys: [KEY], refusal: 'silence' });
    bench.target('dst_never', platform.url);
    const activities = bench.activities();
    const run = bench.run(activities, 'dst_never');
    const waiting = bench.live(activities, 'dst_never');
    waiting.catch(() => undefined);
    await until(() => platform.connections.length > 0, 'a connection');
    await until(run.progress, 'a look at it');
    await bench.stop(activities, 'dst_never');
    await expect(waiting).rejects.toMatchObject({ type: 'destination_lost', nonRetryable: true });
  });
});
