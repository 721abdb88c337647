import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createOriginMetrics } from '../../origin/metrics.js';
import { BroadcastWriter } from '../../origin/packager/broadcast-writer.js';
import { firstFreeAfterBoot } from '../../origin/packager/lost-segment.js';
import { mediaPlaylist } from '../../origin/playlists.js';
import { BroadcastFolder } from '../../origin/store/broadcast-folder.js';
import { Disk } from '../../origin/store/disk.js';
import { History } from '../../origin/store/history.js';
import { Journal, readJournal } from '../../origin/store/journal.js';
import type { InitLine, OpenLine, RunLine } from '../../origin/store/journal-lines.js';
import { findLosses } from '../../origin/store/losses.js';
import { SegmentCache } from '../../origin/store/segment-cache.js';
import { createRegistry } from '../../platform/ops/ops-server.js';
import { until } from '../support/until.js';
import { RecordingDisk } from './recording-disk.js';
import { AUDIO, encode, exited, TestOrigin, video } from './support.js';

const RENDITIONS = [video(240), video(120), AUDIO];
const IDS = RENDITIONS.map(({ id }) => id);
const BOOT = 'this-boot';
const open: OpenLine = {
  type: 'open',
  at: 1000,
  broadcastId: 'b',
  playbackId: 'p',
  streamId: 's',
  latency: 'standard',
  playbackPolicy: 'public',
  keep: false,
};
const runLine = (run: number): RunLine => ({
  type: 'run',
  run,
  epoch: run + 1,
  gopSeconds: 2,
  targetDuration: 2,
  partTarget: 0.3,
  renditions: RENDITIONS,
  boot: BOOT,
});
const headerOf = (run: number, rendition: string): Buffer => Buffer.from(`header of ${rendition} in run ${run}`);
const initLine = (run: number, rendition: string): InitLine => ({
  type: 'init',
  run,
  rendition,
  file: `init-${run + 1}.mp4`,
  codec: 'avc1.64001f',
  width: 1,
  height: 1,
  bytes: headerOf(run, rendition).length,
});
const mediaOf = (msn: number, rendition: string): Buffer => Buffer.from(`media of ${rendition}, number ${msn}, until its very end.`);

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-power-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A broadcast of two encoders, written and synced as the origin does it, now and then. */
async function recorded(disk: RecordingDisk): Promise<void> {
  const folder = new BroadcastFolder(dir, 'b', disk);
  await folder.create(IDS);
  const journal = await Journal.open(folder.journal, disk);
  await journal.append(open);
  await journal.sync();
  await disk.syncFolder(folder.path);
  const history = new History(open);
  const metrics = createOriginMetrics(createRegistry('origin'));
  const log = pino({ level: 'silent' });
  const writer = new BroadcastWriter({ journal, folder, history, cache: new SegmentCache(0), metrics, isDiskFull: () => false, disk, log });
  let msn = 0;
  for (const [run, segments] of [6, 5].entries()) {
    history.apply(runLine(run));
    writer.append(runLine(run));
    for (const id of IDS) {
      history.apply(initLine(run, id));
      writer.header(initLine(run, id), headerOf(run, id));
    }
    for (const last = msn + segments; msn < last; msn++) {
      const media = new Map(IDS.map((id) => [id, mediaOf(msn, id)]));
      const renditions = Object.fromEntries(
        [...media].map(([id, { length }]) => [id, [2, length, 1000 + msn * 2000] as [number, number, number]]),
      );
      writer.segment({ line: { type: 'segment', msn, run, renditions }, media, cutAt: 0 }, () => undefined);
      // Some wait for their commit, and some are written while one is under way.
      if (msn % 3 === 1) await writer.flush();
      if (msn % 3 === 1) disk.mark(`safe ${msn}`);
    }
  }
  await writer.flush();
  disk.mark(`safe ${msn - 1}`);
  await journal.append({ type: 'end', at: 50_000 });
  await journal.sync();
  disk.mark('ended');
  await journal.close();
}

/** Everything a rendition's playlist says can be downloaded is there, to the last byte. @returns numbers of the segments */
async function listedWhole(mediaDir: string, history: History, rendition: string): Promise<number[]> {
  const folder = new BroadcastFolder(mediaDir, 'b', new Disk());
  const text = (await mediaPlaylist(history, rendition, 'index'))?.plain.toString() ?? '';
  const listed: number[] = [];
  let [isGap, map] = [false, ''];
  for (const line of text.split('\n')) {
    if (line === '#EXT-X-GAP') isGap = true;
    if (line.startsWith('#EXT-X-MAP')) map = /URI="(.*)"/.exec(line)![1]!;
    if (!line.endsWith('.m4s')) continue;
    const msn = Number.parseInt(line);
    if (!isGap) {
      expect(await readFile(folder.file(rendition, line), 'utf8')).toBe(mediaOf(msn, rendition).toString());
      const run = Number(/\d+/.exec(map)![0]) - 1;
      expect(await readFile(folder.file(rendition, map), 'utf8')).toBe(headerOf(run, rendition).toString());
      listed.push(msn);
    }
    isGap = false;
  }
  return listed;
}

async function reload(mediaDir: string): Promise<History | null> {
  const folder = new BroadcastFolder(mediaDir, 'b', new Disk());
  const history = await readJournal(folder.journal);
  if (history) for (const loss of await findLosses(history, folder)) history.apply(loss);
  return history;
}

/** Numbers from 0 to 1 that only depend on the seed. */
function shares(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    // Nothing and all of it are the likeliest ends of an unsynced file.
    const share = state / 2 ** 32;
    return share < 0.25 ? 0 : share > 0.75 ? 0.999_999 : share;
  };
}

test('whenever the power is cut, and whatever was not synced is lost: only whole segments are listed, and all that were safe', async () => {
  const disk = new RecordingDisk();
  await recorded(disk);
  const { operations } = disk;
  let cuts = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: operations.length }), fc.integer(), async (count, seed) => {
      const found = join(dir, `cut-${cuts++}`);
      for (const [path, bytes] of disk.cut(count, shares(seed))) {
        const target = join(found, relative(dir, path));
        await mkdir(dirname(target), { recursive: true });
        await writeFile(target, bytes);
      }
      const history = await reload(found);
      const marks = operations.slice(0, count).flatMap((operation) => (operation.kind === 'mark' ? [operation.path] : []));
      const safe = Number(marks.findLast((mark) => mark.startsWith('safe'))?.split(' ')[1] ?? -1);
      if (safe >= 0) expect(history).not.toBeNull();
      if (marks.includes('ended')) expect(history!.endedAt).not.toBeNull();
      for (const id of IDS) {
        const listed = history ? await listedWhole(found, history, id) : [];
        expect(listed.slice(0, safe + 1)).toEqual(Array.from({ length: safe + 1 }, (_segment, msn) => msn));
      }
      await rm(found, { recursive: true, force: true });
    }),
    { numRuns: 300 },
  );
});

test('files and their names are synced before the journal says so, and a commit syncs each of them once', async () => {
  const disk = new RecordingDisk();
  await recorded(disk);
  const unsafe = new Set<string>();
  let folders = new Set<string>();
  const syncs = new Map<string, number>();
  for (const { kind, path, ...rest } of disk.operations) {
    if (kind === 'write') unsafe.add(path);
    if (kind === 'write') folders.add(dirname(path));
    if (kind === 'sync') unsafe.delete(path);
    if (kind === 'sync') syncs.set(path, (syncs.get(path) ?? 0) + 1);
    if (kind === 'syncFolder') folders.delete(path);
    if (kind !== 'append') continue;
    const line = JSON.parse((rest as { bytes: Buffer }).bytes.toString()) as { type: string; msn: number };
    if (line.type !== 'synced') continue;
    expect([...unsafe].filter((file) => Number.parseInt(file.split('/').at(-1)!) <= line.msn)).toEqual([]);
    if (unsafe.size === 0) expect(folders).toEqual(new Set());
    folders = new Set([...unsafe].map(dirname));
  }
  expect([...syncs].filter(([path, count]) => path.endsWith('.m4s') && count !== 1)).toEqual([]);
});

describe('a process that is killed', () => {
  test('has lost nothing that it had listed, whenever that is', { timeout: 120_000 }, async () => {
    const KILLS = 8;
    for (let kill = 0; kill < KILLS; kill++) {
      const mediaDir = join(dir, `kill-${kill}`);
      await mkdir(mediaDir);
      const inits = IDS.map((id) => ({ ...initLine(0, id), bytes: 30 }));
      const script = fileURLToPath(new URL('./write-until-killed.mjs', import.meta.url));
      const child = spawn(process.execPath, [script, mediaDir, JSON.stringify({ open, run: runLine(0), inits })], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const closed = once(child, 'close');
      const killAfter = 1 + Math.floor(Math.random() * 60);
      let told = -1;
      createInterface(child.stdout).on('line', (line) => {
        told = Number(line);
        if (told === killAfter) child.kill('SIGKILL');
      });
      await closed;
      expect(told).toBeGreaterThanOrEqual(killAfter);
      const folder = new BroadcastFolder(mediaDir, 'b', new Disk());
      const history = (await readJournal(folder.journal))!;
      expect(await findLosses(history, folder)).toEqual([]);
      expect(history.segments.slice(0, told + 1).map(({ msn }) => msn)).toEqual(Array.from({ length: told + 1 }, (_segment, msn) => msn));
      for (const { msn, renditions } of history.segments) {
        for (const [id, [, bytes]] of Object.entries(renditions)) expect((await stat(folder.file(id, `${msn}.m4s`))).size).toBe(bytes);
      }
    }
  });
});

describe('an origin after a power cut', () => {
  let origin: TestOrigin;
  beforeEach(async () => {
    origin = await TestOrigin.start();
    await origin.open('b', { playbackId: 'p' });
    const renditions = [video(120), AUDIO];
    await exited(encode({ sockets: await origin.startEncode('b', 1, renditions), renditions, seconds: 9 }));
    await until(async () => (await origin.status('b')).durationSeconds > 8, 'all segments');
    await origin.stop();
  });
  afterEach(() => origin.close());

  const file = (...path: string[]): string => join(origin.dataDir, 'media', 'b', ...path);
  const playlist = (rendition: string): Promise<string> => origin.text(`/p/b/${rendition}/index.m3u8`);
  const editJournal = async (edit: (text: string) => string): Promise<void> =>
    writeFile(file('journal.jsonl'), edit(await readFile(file('journal.jsonl'), 'utf8')));
  const unsynced = (text: string): string => text.replaceAll(/^\{"type":"synced".*\n/gm, '');

  test('shows a gap for what is missing, empty or short, also after the next restart, and no 200 that breaks off', async () => {
    await editJournal(unsynced);
    await rm(file('120p', '1.m4s'));
    await writeFile(file('120p', '2.m4s'), '');
    await writeFile(file('audio', '3.m4s'), (await readFile(file('audio', '3.m4s'))).subarray(0, 10));
    for (let start = 0; start < 2; start++) {
      await origin.start();
      expect((await playlist('120p')).match(/#EXT-X-GAP\n#EXTINF.*\n\d+\.m4s/g)!.map((gap) => gap.split('\n').at(-1))).toEqual([
        '1.m4s',
        '2.m4s',
      ]);
      expect((await playlist('audio')).match(/#EXT-X-GAP\n#EXTINF.*\n\d+\.m4s/g)!.map((gap) => gap.split('\n').at(-1))).toEqual(['3.m4s']);
      for (const name of ['1.m4s', '2.m4s']) expect((await fetch(`${origin.playback}/p/b/120p/${name}`)).status).toBe(404);
      await origin.stop();
    }
    await origin.start();
  });

  test('shows gaps for all that is behind a header that is lost', async () => {
    await editJournal(unsynced);
    await writeFile(file('120p', 'init-1.mp4'), '');
    await origin.start();
    const text = await playlist('120p');
    expect(text.match(/#EXT-X-GAP/g)).toHaveLength(text.match(/^\d+\.m4s$/gm)!.length);
    expect(await playlist('audio')).not.toContain('#EXT-X-GAP');
  });

  test('uses no number again that viewers may have seen, though the journal has lost it', async () => {
    await editJournal((text) =>
      text
        .replace(/"boot":"[^"]*"/, '"boot":"the-boot-before"')
        .replace(/^\{"type":"rest".*\n/m, '')
        .replace(/^\{"type":"segment","msn":4.*\n/m, ''),
    );
    await origin.start();
    const renditions = [video(120), AUDIO];
    await exited(encode({ sockets: await origin.startEncode('b', 2, renditions), renditions, seconds: 3 }));
    await until(async () => (await playlist('120p')).includes('#EXT-X-MEDIA-SEQUENCE:34'), 'a segment with a number that is free');
  });

  test.each<[string, Partial<{ boot: string; rest: boolean; now: string | null }>, number]>([
    ['the process alone had ended', { now: BOOT }, 0],
    ['everything was journalled', { rest: true, now: 'next' }, 0],
    ['nobody can know', { now: null }, 0],
    ['the machine had gone down', { now: 'next' }, 30],
  ])('leaves numbers free when %s', (_name, { rest, now = null }, expected) => {
    const history = new History(open);
    history.apply(runLine(0));
    if (rest) history.apply({ type: 'rest', run: 0 });
    expect(firstFreeAfterBoot(history, now)).toBe(expected);
  });
});
