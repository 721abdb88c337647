import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { follow, parseLive } from '../../tools/bench/playlist-follower.js';
import type { BroadcastStatus } from '../../domain/contracts/origin-control.js';
import type { Rendition } from '../../domain/ladder.js';
import type { Latency } from '../../domain/stream.js';
import { until } from '../support/until.js';
import { parseMedia } from './playlist-check.js';
import { AUDIO, encode, exited, TestOrigin, video } from './support.js';

let origin: TestOrigin;
beforeEach(async () => {
  origin = await TestOrigin.start();
});
afterEach(() => origin.close());

const WHOLE: Rendition[] = [video(240), video(120, 30, 150_000), AUDIO];
const REST: Rendition[] = WHOLE.slice(1);
const DROPPED = '240p';
const STAYING = '120p';

async function start(latency: Latency, epoch: number, renditions: readonly Rendition[]) {
  if (epoch === 1) await origin.open('b', { latency });
  const sockets = await origin.startEncode('b', epoch, [...renditions]);
  const encoder = encode({ sockets, renditions, seconds: 300, realTime: true });
  await until(async () => {
    const status = await origin.status('b');
    return status.epoch === epoch && status.playable;
  }, `epoch ${epoch} to be playable`);
  return encoder;
}

const seconds = async (): Promise<number> => (await origin.status('b')).durationSeconds;
const listed = async (playlist = 'index'): Promise<string[]> =>
  [...(await origin.text('/play/index.m3u8')).matchAll(new RegExp(`b/(\\w+)/${playlist}\\.m3u8`, 'g'))].map(([, id]) => id!).sort();
const addresses = (text: string): string[] => text.split('\n').filter((line) => line.endsWith('.m4s'));

describe('a rendition that the next encoder has not', () => {
  test('goes on for those who play it, with the media of the next smaller one, and keeps every rule; nobody else finds it', async () => {
    const first = await start('low', 1, WHOLE);
    expect(await listed()).toEqual([STAYING, DROPPED, 'audio'].sort());
    const newest = new Map(WHOLE.map(({ id }) => [id, -1]));
    let wanted = Infinity;
    const following = follow({
      playlists: Object.fromEntries(WHOLE.map(({ id }) => [id, `${origin.playback}/play/b/${id}/index.m3u8`])),
      until: () => Math.min(...newest.values()) >= wanted,
      onPlaylist: (name, playlist) => {
        newest.set(name, playlist.segments.at(-1)?.msn ?? -1);
        parseMedia(playlist.text);
      },
      tolerateOutage: true,
    });
    await until(async () => (await seconds()) >= 4, 'two segments');
    first.kill('SIGKILL');
    await exited(first);
    const second = await start('low', 2, REST);
    expect(await listed()).toEqual([STAYING, 'audio']);
    await until(async () => (await seconds()) >= 8, 'two segments more');
    const [dropped, staying] = await Promise.all([
      origin.text(`/play/b/${DROPPED}/index.m3u8`),
      origin.text(`/play/b/${STAYING}/index.m3u8`),
    ]);
    expect(staying).not.toContain(`../${DROPPED}/`);
    expect(addresses(dropped).at(-1)).toMatch(/^\.\.\/120p\/\d+\.m4s$/);
    expect(addresses(dropped)[0]).toMatch(/^\d+\.m4s$/);
    expect(dropped).toMatch(/PRELOAD-HINT:TYPE=PART,URI="\.\.\/120p\/p\d+\.m4s"/);
    expect(parseLive(dropped).segments.filter(({ discontinuity }) => discontinuity)).toHaveLength(1);

    origin.fixPorts();
    await origin.stop();
    await exited(second);
    await origin.start();
    expect(await listed()).toEqual([STAYING, 'audio']);
    const third = await start('low', 3, REST);
    wanted = newest.get(STAYING)! + 2;
    const histories = await following;
    third.kill();
    await exited(third);
    expect([...histories.values()].flatMap(({ findings }) => findings)).toEqual([]);
  });

  test.each<Latency>(['standard', 'low'])('is there from beginning to end when the broadcast is over (%s latency)', async (latency) => {
    const first = await start(latency, 1, WHOLE);
    await until(async () => (await seconds()) >= 4, 'two segments');
    first.kill();
    await exited(first);
    const second = await start(latency, 2, REST);
    await until(async () => (await seconds()) >= 8, 'two segments more');
    second.kill();
    await exited(second);
    const { body } = await origin.control<BroadcastStatus>('POST', '/broadcasts/b/end');
    expect(await listed('vod')).toEqual([STAYING, DROPPED, 'audio'].sort());
    const [dropped, staying] = await Promise.all([origin.text(`/play/b/${DROPPED}/vod.m3u8`), origin.text(`/play/b/${STAYING}/vod.m3u8`)]);
    expect(dropped).not.toContain('EXT-X-GAP');
    expect(addresses(dropped)).toHaveLength(addresses(staying).length);
    const MAPS = /#EXT-X-MAP:URI="(.*)"/g;
    expect([...dropped.matchAll(MAPS)].map(([, uri]) => uri)).toEqual(['init-1.mp4', '../120p/init-2.mp4']);
    const total = [...dropped.matchAll(/#EXTINF:([\d.]+)/g)].reduce((sum, [, length]) => sum + Number(length), 0);
    expect(total).toBeCloseTo(body.durationSeconds, 0);
    for (const address of addresses(dropped)) expect((await origin.bytes(`/play/b/${DROPPED}/${address}`)).length).toBeGreaterThan(0);
  });
});
