import { appendFile, mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BroadcastStatus, OpenBroadcasts } from '../../domain/contracts/origin-control.js';
import { sweep } from '../../origin/store/sweep.js';
import { until } from '../support/until.js';
import { parseMedia, parseMultivariant } from './playlist-check.js';
import { AUDIO, encode, exited, TestOrigin, video } from './support.js';

let origin: TestOrigin;
beforeAll(async () => {
  origin = await TestOrigin.start();
});
afterAll(() => origin.close());

const renditions = [video(120), AUDIO];
const mediaDir = (): string => join(origin.dataDir, 'media');
const end = (broadcastId: string) => origin.control<BroadcastStatus>('POST', `/broadcasts/${broadcastId}/end`);
const live = async (id: string, rendition = '120p') => parseMedia(await origin.text(`/${id}/${id}/${rendition}/index.m3u8`));
const playable = (id: string) => origin.control<BroadcastStatus>('GET', `/broadcasts/${id}/playable?timeoutMs=60000`);

/** A running encoder at the speed of the clock. */
async function running(id: string, epoch = 1, list: Parameters<typeof encode>[0]['renditions'] = renditions) {
  const sockets = await origin.startEncode(id, epoch, [...list]);
  return encode({ sockets, renditions: list, seconds: 120, realTime: true });
}

describe('an origin that is restarted', () => {
  test('goes on with the next number, and everything it had listed is still there', async () => {
    await origin.open('again', { playbackId: 'again' });
    const first = await running('again');
    await until(async () => (await origin.status('again')).durationSeconds >= 4, 'two segments');
    const before = await live('again');
    await origin.stop();
    await exited(first);
    await origin.start();
    const between = await live('again');
    expect(between.segments.slice(0, before.segments.length)).toEqual(before.segments);
    for (const { uri, map } of between.segments)
      await Promise.all([origin.bytes(`/again/again/120p/${uri}`), origin.bytes(`/again/again/120p/${map}`)]);
    expect(await origin.status('again')).toMatchObject({ state: 'open', epoch: 1 });

    const second = await running('again', 2);
    await until(async () => (await origin.status('again')).playable, 'the second encoder');
    second.kill();
    await exited(second);
    await end('again');
    const { segments } = parseMedia(await origin.text('/again/again/120p/vod.m3u8'));
    expect(segments.map(({ uri }) => uri)).toEqual(segments.map((_segment, msn) => `${msn}.m4s`));
    expect(segments.filter(({ discontinuity }) => discontinuity).map(({ uri }) => uri)).toEqual([`${between.segments.length}.m4s`]);
  });

  test('takes the same epoch again under a header name of its own', async () => {
    await origin.open('same', { playbackId: 'same' });
    const first = await running('same');
    await until(async () => (await origin.status('same')).playable, 'a segment');
    await origin.stop();
    await exited(first);
    await origin.start();
    const second = await running('same');
    await until(async () => (await live('same')).segments.some(({ map }) => map === 'init-1-1.mp4'), 'a segment of the second run');
    second.kill();
    await exited(second);
    const { status } = await end('same');
    expect(status).toBe(200);
  });

  test('is not confused by a line cut off in the middle, and clears temporary files away', async () => {
    await origin.open('torn', { playbackId: 'torn' });
    await exited(encode({ sockets: await origin.startEncode('torn', 1, renditions), renditions, seconds: 5 }));
    await until(async () => (await origin.status('torn')).renditions.every(({ connected }) => !connected), 'the end of the encoder');
    await until(async () => (await live('torn')).segments.length === 3, 'three segments');
    await origin.stop();
    await appendFile(join(mediaDir(), 'torn', 'journal.jsonl'), '{"type":"segment","msn":3,"ru');
    await writeFile(join(mediaDir(), 'torn', '120p', '3.m4s.tmp'), 'half');
    await origin.start();
    expect((await live('torn')).segments).toHaveLength(3);
    expect(await readdir(join(mediaDir(), 'torn', '120p'))).not.toContain('3.m4s.tmp');
    await end('torn');
    await origin.stop();
    await origin.start();
    expect((await origin.status('torn')).state).toBe('ended');
    expect(parseMedia(await origin.text('/torn/torn/120p/vod.m3u8')).segments).toHaveLength(3);
  });
});

describe('a broadcast', () => {
  test('shows nothing before it is playable, and nothing of the one before it', async () => {
    const answer = async (): Promise<[number, string | null, unknown]> => {
      const response = await fetch(`${origin.playback}/twice/index.m3u8`);
      return [
        response.status,
        response.headers.get('retry-after'),
        response.ok ? parseMultivariant(await response.text()) : await response.json(),
      ];
    };
    const notYet = [404, '1', { code: 'not_playable_yet', message: expect.any(String) }];
    expect(await answer()).toEqual(notYet);
    await origin.open('twice-1', { playbackId: 'twice' });
    expect(await answer()).toEqual(notYet);
    await exited(encode({ sockets: await origin.startEncode('twice-1', 1, renditions), renditions, seconds: 3 }));
    await end('twice-1');
    expect((await answer())[0]).toBe(200);
    await origin.open('twice-2', { playbackId: 'twice' });
    expect(await answer()).toEqual(notYet);
    const told = fetch(`${origin.playback}/twice/index.m3u8?wait=1`).then(async (response) => [response.status, await response.text()]);
    const second = await running('twice-2');
    const { body } = await playable('twice-2');
    expect(body).toMatchObject({ playable: true, state: 'open' });
    const [status, , playlist] = await answer();
    expect(status).toBe(200);
    expect(JSON.stringify(playlist)).not.toContain('twice-1');
    // Who asked to be told was held until now, and hears what everybody hears.
    expect(await told).toEqual([200, expect.stringContaining('twice-2/')]);
    second.kill();
    await exited(second);
    await end('twice-2');
  });

  test('ends once: a second end answers the same, and no encoder is taken any more', async () => {
    await origin.open('over', { playbackId: 'over' });
    const encoder = await running('over');
    await playable('over');
    encoder.kill();
    await exited(encoder);
    const [first, second] = await Promise.all([end('over'), end('over')]);
    expect(first.body).toMatchObject({ state: 'ended', playable: true });
    expect(second.body.durationSeconds).toBe(first.body.durationSeconds);
    const refused = await origin.control<{ code: string }>('POST', '/broadcasts/over/encodes', { epoch: 2, gopSeconds: 2, renditions });
    expect([refused.status, refused.body.code]).toEqual([409, 'broadcast_ended']);
    expect((await origin.text('/over/over/120p/index.m3u8')).trimEnd().endsWith('#EXT-X-ENDLIST')).toBe(true);
  });

  test('that ends without any media releases who waits for it', async () => {
    await origin.open('empty', { playbackId: 'empty' });
    await origin.startEncode('empty', 1, renditions);
    const waiting = playable('empty');
    await end('empty');
    expect((await waiting).body).toMatchObject({ state: 'ended', playable: false });
    expect((await fetch(`${origin.playback}/empty/index.m3u8`)).status).toBe(404);
  });

  test('that is deleted is gone, in memory and on disk, running or not; again is no error', async () => {
    await origin.open('gone', { playbackId: 'gone' });
    const encoder = await running('gone');
    await playable('gone');
    expect((await origin.control('DELETE', '/broadcasts/gone')).status).toBe(204);
    await exited(encoder);
    expect((await origin.control('DELETE', '/broadcasts/gone')).status).toBe(204);
    expect((await origin.control('GET', '/broadcasts/gone')).status).toBe(404);
    expect((await fetch(`${origin.playback}/gone/gone/120p/0.m4s`)).status).toBe(404);
    expect((await readdir(mediaDir())).filter((name) => name.includes('gone'))).toEqual([]);
  });

  test('whose window has slid is complete on demand', async () => {
    await origin.open('long', { playbackId: 'long' });
    await exited(encode({ sockets: await origin.startEncode('long', 1, renditions), renditions, seconds: 41 }));
    await until(async () => (await origin.status('long')).renditions.every(({ connected }) => !connected), 'the end of the encoder');
    const window = await live('long');
    expect(window.mediaSequence).toBeGreaterThan(0);
    await end('long');
    const whole = parseMedia(await origin.text('/long/long/120p/vod.m3u8'));
    expect(whole.mediaSequence).toBe(0);
    expect(whole.segments.reduce((sum, { duration }) => sum + duration, 0)).toBeGreaterThan(40.8);
    await origin.bytes(`/long/long/120p/${whole.segments[0]!.uri}`);
    expect((await live('long')).mediaSequence).toBeGreaterThanOrEqual(window.mediaSequence);
  });

  test.each([
    ['sound alone', [AUDIO], /CODECS="mp4a\.40\.2"$/m],
    ['a picture alone', [video(120)], /CODECS="avc1\.[0-9a-f]{6}"/],
    ['29.97 pictures a second', [video(120, 30_000 / 1001), AUDIO], /FRAME-RATE=29\.970/],
    ['a slower small picture', [video(180, 30), video(120, 15), AUDIO], /FRAME-RATE=15\.000/],
  ])('of %s is packaged', async (name, list, expected) => {
    const id = name.replace(/\W+/g, '-');
    const rate = Math.max(...list.map((rendition) => (rendition.kind === 'video' ? rendition.frameRate : 30)));
    const gopSeconds = Math.round(rate * 2) / rate;
    await origin.open(id, { playbackId: id });
    await exited(encode({ sockets: await origin.startEncode(id, 1, list, gopSeconds), renditions: list, seconds: 7, gopSeconds }));
    await end(id);
    const text = await origin.text(`/${id}/index.m3u8`);
    expect(text).toMatch(expected);
    const { variants } = parseMultivariant(text);
    const counts = await Promise.all(variants.map(async ({ uri }) => parseMedia(await origin.text(`/${id}/${uri}`)).segments.length));
    expect(new Set(counts)).toEqual(new Set([4]));
  });
});

describe('an encoder output', () => {
  const send = (path: string, bytes: Buffer): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(path, () => socket.write(bytes));
      socket.once('close', () => resolve()).on('error', () => undefined);
    });

  test.each<[string, Buffer]>([
    ['garbage', Buffer.from('this is not a film at all, not even a little')],
    ['an absurd size', Buffer.from([0x7f, 0xff, 0xff, 0xff, ...Buffer.from('mdat')])],
    [
      'a header of nothing',
      Buffer.concat([Buffer.from([0, 0, 0, 8]), Buffer.from('ftyp'), Buffer.from([0, 0, 0, 8]), Buffer.from('moov')]),
    ],
    [
      'media without a header',
      Buffer.concat([Buffer.from([0, 0, 0, 8]), Buffer.from('moof'), Buffer.from([0, 0, 0, 8]), Buffer.from('mdat')]),
    ],
  ])('with %s is closed with a reason, and the next epoch works', async (name, bytes) => {
    const id = name.replace(/\W+/g, '-');
    await origin.open(id, { playbackId: id });
    const sockets = await origin.startEncode(id, 1, renditions);
    await send(sockets['120p']!, bytes);
    expect(origin.logLines.some((line) => line.includes(`"${id}"`) && line.includes('encoder output refused'))).toBe(true);
    await exited(encode({ sockets: await origin.startEncode(id, 2, renditions), renditions, seconds: 3 }));
    expect((await end(id)).body).toMatchObject({ playable: true });
  });

  test('is the same when the same epoch is announced twice, and each socket takes one encoder', async () => {
    await origin.open('one', { playbackId: 'one' });
    const sockets = await origin.startEncode('one', 1, renditions);
    expect(await origin.startEncode('one', 1, renditions)).toEqual(sockets);
    for (const path of Object.values(sockets)) expect(Buffer.byteLength(path)).toBeLessThan(108);
    const encoder = encode({ sockets, renditions, seconds: 60, realTime: true });
    await until(async () => (await origin.status('one')).renditions.every(({ connected }) => connected), 'the encoder');
    expect(await origin.startEncode('one', 1, renditions)).toEqual(sockets);
    const refused = await new Promise((resolve) =>
      connect(sockets['120p']!)
        .once('error', resolve)
        .once('connect', () => resolve(null)),
    );
    expect(refused).not.toBeNull();
    expect((await playable('one')).body.playable).toBe(true);
    encoder.kill();
    await exited(encoder);
    await end('one');
  });

  test('that dies in the middle of a segment leaves a short one that is the same everywhere', async () => {
    await origin.open('short', { playbackId: 'short' });
    const encoder = await running('short');
    await until(async () => (await origin.status('short')).renditions.every(({ mediaSeconds }) => mediaSeconds > 2.8), '2.8 seconds');
    encoder.kill('SIGKILL');
    await exited(encoder);
    const last = await until(async () => {
      const lists = await Promise.all([live('short'), live('short', 'audio')]);
      return lists.every(({ segments }) => segments.length > 1) ? lists.map(({ segments }) => segments.at(-1)!) : null;
    }, 'the tail');
    expect(last[0]!.uri).toBe(last[1]!.uri);
    expect(Math.abs(last[0]!.duration - last[1]!.duration)).toBeLessThan(0.05);
    await end('short');
  });
});

describe('the control API', () => {
  test.each<[string, string, unknown, number, string]>([
    ['GET', '/broadcasts/unknown', undefined, 404, 'broadcast_not_found'],
    ['POST', '/broadcasts/unknown/end', undefined, 404, 'broadcast_not_found'],
    ['POST', '/broadcasts/unknown/encodes', { epoch: 1, gopSeconds: 2, renditions }, 404, 'broadcast_not_found'],
    ['GET', '/broadcasts/unknown/playable?timeoutMs=10', undefined, 404, 'broadcast_not_found'],
    ['PUT', '/broadcasts/b', { playbackId: '../up' }, 400, 'invalid_request'],
    ['PUT', '/broadcasts/..%2fup', {}, 404, 'broadcast_not_found'],
    [
      'POST',
      '/broadcasts/unknown/encodes',
      { epoch: 1, gopSeconds: 2, renditions: [{ ...video(120), id: '../x' }] },
      400,
      'invalid_request',
    ],
    ['PATCH', '/broadcasts/b', undefined, 405, 'method_not_allowed'],
    ['POST', '/broadcasts', {}, 405, 'method_not_allowed'],
  ])('answers %s %s with a code', async (method, path, body, status, code) => {
    const answer = await origin.control<{ code: string }>(method, path, body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  test('lists the broadcasts that have not ended', async () => {
    const listed = async () => (await origin.control<OpenBroadcasts>('GET', '/broadcasts')).body.broadcasts;
    await origin.open('listed', { playbackId: 'listed', streamId: 'str_listed' });
    await origin.startEncode('listed', 3, renditions);
    expect(await listed()).toContainEqual({ broadcastId: 'listed', streamId: 'str_listed', epoch: 3, state: 'open' });
    await end('listed');
    expect((await listed()).map(({ broadcastId }) => broadcastId)).not.toContain('listed');
  });

  test('shares its port with health and metrics', async () => {
    expect((await fetch(`${origin.controlUrl}/healthz`)).status).toBe(200);
    expect(await (await fetch(`${origin.controlUrl}/metrics`)).text()).toContain('holdfast_origin_segments_total');
  });
});

test('the sweep deletes what nobody knows and what is long over, and nothing else', async () => {
  const HOUR_MS = 3_600_000;
  await origin.open('old', { playbackId: 'old' });
  await origin.open('kept', { playbackId: 'kept', keep: true });
  await origin.open('kept-late', { playbackId: 'kept-late' });
  await origin.open('abandoned', { playbackId: 'abandoned' });
  for (const id of ['old', 'kept', 'kept-late']) await end(id);
  await origin.open('kept-late', { playbackId: 'kept-late', keep: true });
  await origin.stop();
  await origin.start();
  await mkdir(join(mediaDir(), '.deleted-half'));
  await mkdir(join(mediaDir(), 'stranger'));
  await mkdir(join(mediaDir(), 'newborn'));
  const long = new Date(Date.now() - 5 * HOUR_MS);
  await utimes(join(mediaDir(), 'stranger'), long, long);
  const options = {
    mediaDir: mediaDir(),
    broadcasts: origin.server.broadcasts,
    retentionHours: 72,
    log: { info: () => undefined } as never,
  };
  await sweep(options);
  let left = await readdir(mediaDir());
  expect(left).toEqual(expect.arrayContaining(['old', 'kept', 'kept-late', 'abandoned', 'newborn']));
  expect(left).not.toContain('.deleted-half');
  expect(left).not.toContain('stranger');
  await sweep(options, Date.now() + 97 * HOUR_MS);
  left = await readdir(mediaDir());
  expect(left).toEqual(expect.arrayContaining(['kept', 'kept-late']));
  expect(left).not.toContain('old');
  expect(left).not.toContain('abandoned');
  expect((await origin.control('GET', '/broadcasts/old')).status).toBe(404);
});
