import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BroadcastStatus } from '../../domain/contracts/origin-control.js';
import { sweep } from '../../origin/store/sweep.js';
import { until } from '../support/until.js';
import { parseMedia } from './playlist-check.js';
import { AUDIO, encode, exited, TestOrigin } from './support.js';

const renditions = [AUDIO];
let origin: TestOrigin;
beforeEach(async () => {
  origin = await TestOrigin.start();
});
afterEach(() => origin.close());

const media = (...path: string[]): string => join(origin.dataDir, 'media', ...path);
const read = (what: 'journals' | 'summaries'): Promise<number> => origin.metric(`holdfast_origin_${what}_read_total`, 'origin');
const end = (id: string) => origin.control<BroadcastStatus>('POST', `/broadcasts/${id}/end`);

/** As an origin without an index left it on disk. */
async function madeByHand(id: string, playbackId: string, at: number, { over = true, hasMedia = true } = {}): Promise<void> {
  await mkdir(media(id), { recursive: true });
  const lines = [
    { type: 'open', at, broadcastId: id, playbackId, streamId: 's', latency: 'standard', playbackPolicy: 'public', keep: true },
    { type: 'run', run: 0, epoch: 1, gopSeconds: 2, targetDuration: 2, partTarget: 0.3, renditions },
    { type: 'init', run: 0, rendition: 'audio', file: 'init-1.mp4', codec: 'mp4a.40.2', width: 0, height: 0 },
    { type: 'segment', msn: 0, run: 0, renditions: { audio: [2, 5, at] } },
    { type: 'rest', run: 0 },
    ...(over ? [{ type: 'end', at: at + 5000 }] : []),
  ];
  await writeFile(media(id, 'journal.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  if (!hasMedia) return;
  await mkdir(media(id, 'audio'), { recursive: true });
  await writeFile(media(id, 'audio', '0.m4s'), 'bytes');
  await writeFile(media(id, 'audio', 'init-1.mp4'), 'init');
}

async function finished(id: string, playbackId: string): Promise<void> {
  await origin.open(id, { playbackId });
  await exited(encode({ sockets: await origin.startEncode(id, 1, renditions), renditions, seconds: 3 }));
  await end(id);
}

async function restart(): Promise<void> {
  await origin.stop();
  await origin.start();
}

test('a start reads the journals of open broadcasts, and of ten thousand ended ones nothing', async () => {
  const ENDED = 10_000;
  const AT_ONCE = 100;
  await origin.stop();
  for (let first = 0; first < ENDED; first += AT_ONCE) {
    const numbers = Array.from({ length: AT_ONCE }, (_one, index) => first + index);
    await Promise.all(numbers.map((number) => madeByHand(`b${number}`, `p${number % 1000}`, 1000 + number, { hasMedia: number < 10 })));
  }
  await madeByHand('running', 'live', 5000, { over: false });
  // Once, after an update: what was open is found, and who asks for something before all is indexed waits for it.
  await origin.start();
  expect(await origin.text('/p7/index.m3u8')).toContain('b9007/');
  expect(await origin.status('running')).toMatchObject({ state: 'open' });
  expect(await read('journals')).toBe(2);

  await origin.stop();
  await origin.start();
  expect([await read('journals'), await read('summaries')]).toEqual([1, 0]);
  expect(await origin.text('/p8/index.m3u8')).toContain('b9008/');
  expect(await origin.bytes('/p8/b8/audio/0.m4s')).toHaveLength(5);
  expect(parseMedia(await origin.text('/p9/b9/audio/vod.m3u8')).segments).toHaveLength(1);
  expect(await origin.status('running')).toMatchObject({ state: 'open', playable: true });
}, 120_000);

describe('whatever the process was doing when it ended,', () => {
  test.each<[string, () => Promise<void>]>([
    ['before the journal was there', async () => rm(media('b'), { recursive: true })],
    ['with a journal without a line', async () => writeFile(media('b', 'journal.jsonl'), '')],
    ['with half an open line', async () => writeFile(media('b', 'journal.jsonl'), '{"type":"open","at":')],
  ])('a broadcast that was being opened is opened again: %s', async (_name, leave) => {
    await finished('before', 'p');
    await origin.open('b', { playbackId: 'p' });
    await origin.stop();
    await leave();
    await origin.start();
    expect(await origin.text('/p/index.m3u8')).toContain('before/');
    expect((await origin.control('GET', '/broadcasts/b')).status).toBe(404);
    await origin.open('b', { playbackId: 'p' });
    expect((await fetch(`${origin.playback}/p/index.m3u8`)).status).toBe(404);
    await restart();
    expect(await origin.status('b')).toMatchObject({ state: 'open' });
  });

  test.each<[string, () => Promise<void>]>([
    ['no summary', () => rm(media('b', 'summary.json'))],
    ['half a summary', () => writeFile(media('b', 'summary.json'), '{"open":')],
    ['a summary of nothing', () => writeFile(media('b', 'summary.json'), 'null')],
    ['a mark that it is open', () => writeFile(media('.index', 'open', 'b'), '')],
    [
      'a mark and no summary',
      async () => {
        await writeFile(media('.index', 'open', 'b'), '');
        await rm(media('b', 'summary.json'));
      },
    ],
  ])('an ended broadcast is ended: with %s', async (_name, leave) => {
    await finished('b', 'p');
    const { durationSeconds } = await origin.status('b');
    await origin.stop();
    await leave();
    await origin.start();
    expect(await origin.text('/p/index.m3u8')).toContain('b/audio/vod.m3u8');
    expect(await origin.status('b')).toMatchObject({ state: 'ended', durationSeconds, playable: true });
    expect(await readdir(media('.index', 'open'))).toEqual([]);
    expect(JSON.parse(await readFile(media('b', 'summary.json'), 'utf8'))).toMatchObject({ status: { durationSeconds } });
  });

  test('a broadcast that was being deleted is not shown any more, and the one before it is', async () => {
    await finished('first', 'p');
    await finished('second', 'p');
    await origin.stop();
    await rm(media('second'), { recursive: true });
    await origin.start();
    expect(await origin.text('/p/index.m3u8')).toContain('first/');
    expect(await readdir(media('.index', 'playback', 'p'))).toHaveLength(1);
  });

  test('an index that is lost is made anew, with what is open and what is recorded', async () => {
    await finished('over', 'p');
    await origin.open('over', { playbackId: 'p', keep: true });
    await origin.open('running', { playbackId: 'q' });
    await origin.stop();
    await rm(media('.index'), { recursive: true });
    await origin.start();
    expect(await origin.text('/p/index.m3u8')).toContain('over/');
    expect(await origin.status('running')).toMatchObject({ state: 'open' });
    await until(async () => (await readdir(media('.index'))).includes('complete'), 'the index');
    expect(await readdir(media('.index', 'open'))).toEqual(['running']);
    const retentionHours = 1;
    const log = { info: () => undefined } as never;
    await sweep({ mediaDir: media(), broadcasts: origin.server.broadcasts, retentionHours, log }, Date.now() + 1e9);
    expect(await readdir(media())).toEqual(['.index', 'over']);
  });
});

test('deleting the newest broadcast of a playback id shows the one before it, at once and after a restart', async () => {
  for (const id of ['a', 'b', 'c']) await finished(id, 'p');
  const shown = async (): Promise<string> => /^(\w+)\//m.exec(await origin.text('/p/index.m3u8'))![1]!;
  expect(await shown()).toBe('c');
  await origin.control('DELETE', '/broadcasts/c');
  expect(await shown()).toBe('b');
  await restart();
  await origin.control('DELETE', '/broadcasts/b');
  await restart();
  expect(await shown()).toBe('a');
  await origin.control('DELETE', '/broadcasts/a');
  expect((await fetch(`${origin.playback}/p/index.m3u8`)).status).toBe(404);
});
