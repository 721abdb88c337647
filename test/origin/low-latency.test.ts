import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BroadcastStatus } from '../../domain/contracts/origin-control.js';
import { PART_DURATIONS } from '../../origin/hls/part-target.js';
import { follow, mergeDelta, parseLive, type PlaylistHistory } from '../../tools/bench/playlist-follower.js';
import { until } from '../support/until.js';
import { parseMedia } from './playlist-check.js';
import { AUDIO, encode, exited, TestOrigin, video } from './support.js';
import type { Rendition } from '../../domain/ladder.js';

let origin: TestOrigin;
beforeEach(async () => {
  origin = await TestOrigin.start();
});
afterEach(() => origin.close());

const SMALL: Rendition[] = [video(120), AUDIO];
const playlistsOf = (list: readonly Rendition[]): Record<string, string> =>
  Object.fromEntries(list.map(({ id }) => [id, `${origin.playback}/play/b/${id}/index.m3u8`]));
const findings = (histories: Map<string, PlaylistHistory>): string[] => [...histories.values()].flatMap((history) => history.findings);
const end = () => origin.control<BroadcastStatus>('POST', '/broadcasts/b/end');

const GOP_SECONDS = 2;
/** Whole frames of every rate here. */
const FIRST_GOP_SECONDS = 0.4;

async function start(epoch: number, list: readonly Rendition[] = SMALL) {
  if (epoch === 1) await origin.open('b', { latency: 'low' });
  const sockets = await origin.startEncode('b', epoch, [...list], GOP_SECONDS, { firstGopSeconds: FIRST_GOP_SECONDS });
  return encode({ sockets, renditions: list, seconds: 300, realTime: true, gopSeconds: GOP_SECONDS, firstGopSeconds: FIRST_GOP_SECONDS });
}

const playable = (epoch: number) =>
  until(async () => {
    const status = await origin.status('b');
    return status.epoch === epoch && status.playable;
  }, `epoch ${epoch} to be playable`);

/** Follows until this segment number is listed everywhere; strict parser included. */
function followTo(list: readonly Rendition[], wanted: number) {
  const newest = new Map<string, number>(list.map(({ id }) => [id, -1]));
  return follow({
    playlists: playlistsOf(list),
    until: () => Math.min(...newest.values()) >= wanted,
    onPlaylist: (name, playlist) => {
      newest.set(name, playlist.segments.at(-1)?.msn ?? -1);
      parseMedia(playlist.text);
    },
    tolerateOutage: true,
  });
}

describe('a low-latency broadcast', () => {
  test('keeps every rule through another encoder with another frame rate, a restart of the origin, and its end', async () => {
    const first = await start(1);
    await playable(1);
    const following = followTo(SMALL, Infinity);
    await until(async () => (await origin.status('b')).durationSeconds >= 8, 'four segments');
    first.kill('SIGKILL');
    await exited(first);
    const second = await start(2, [video(120, 25), AUDIO]);
    await playable(2);
    await until(async () => (await origin.status('b')).durationSeconds >= 14, 'more segments');
    // Node's fetch keeps the address: the origin comes back on the same port.
    origin.fixPorts();
    await origin.stop();
    await exited(second);
    await origin.start();
    const third = await start(3);
    await playable(3);
    await until(async () => (await origin.status('b')).durationSeconds >= 20, 'segments of the third');
    third.kill();
    await exited(third);
    await end();
    const histories = await following;
    expect(findings(histories)).toEqual([]);
    for (const history of histories.values()) {
      expect(history.last!.ended).toBe(true);
      expect([...history.segments.values()].filter(({ discontinuity }) => discontinuity)).toHaveLength(2);
      expect(history.partsSeen).toBeGreaterThan(40);
    }
  });

  const rates = [25, 30, 50, 60];
  test.each(PART_DURATIONS.map((duration, index) => [duration, rates[index]!] as const))(
    'in parts of %d s at %d fps keeps every rule',
    async (duration, rate) => {
      origin.partDuration = duration;
      await origin.stop();
      await origin.start();
      const list = [video(120, rate), AUDIO];
      const encoder = await start(1, list);
      await playable(1);
      const histories = await followTo(list, 3);
      encoder.kill();
      await exited(encoder);
      expect(findings(histories)).toEqual([]);
      for (const { segments } of histories.values()) expect(segments.get(2)!.parts).toHaveLength(Math.round(GOP_SECONDS / duration));
    },
  );

  test('is playable with the first segment of every rendition, which is a short one', async () => {
    const encoder = await start(1);
    await playable(1);
    const [playlist, master] = [await origin.text('/play/b/120p/index.m3u8'), await origin.text('/play/index.m3u8')];
    const { segments } = parseLive(playlist);
    expect(segments[0]).toMatchObject({ msn: 0, duration: FIRST_GOP_SECONDS });
    expect(segments.length).toBeLessThanOrEqual(2);
    expect(master).toMatch(/BANDWIDTH=\d+,AVERAGE-BANDWIDTH=\d+,CODECS="avc1\.[0-9a-f]{6},mp4a\.40\.2",RESOLUTION=214x120/);
    encoder.kill();
    await exited(encoder);
  });

  test('its parts add up to its segments, its hints come true, its reports say where the others are, its deltas merge', async () => {
    const encoder = await start(1);
    await playable(1);
    const playlist = `${origin.playback}/play/b/120p/`;
    const { hint } = parseLive(await origin.text('/play/b/120p/index.m3u8'));
    const hinted = await fetch(`${playlist}${hint}`);
    expect(hinted.status).toBe(200);
    expect(hinted.headers.get('cache-control')).toBe('public, max-age=3600, immutable');
    expect((await fetch(`${playlist}p999999.m4s`)).status).toBe(404);
    await until(
      async () =>
        parseLive(await origin.text('/play/b/120p/index.m3u8')).mediaSequence > 0 || (await origin.status('b')).durationSeconds > 18,
      'a long playlist',
    );

    const { segments } = parseLive(await origin.text('/play/b/120p/index.m3u8'));
    const whole = segments.findLast(({ uri, parts }) => uri !== null && parts.length > 0)!;
    const parts = await Promise.all(whole.parts.map(({ uri }) => origin.bytes(`/play/b/120p/${uri}`)));
    expect(Buffer.concat(parts).equals(await origin.bytes(`/play/b/120p/${whole.uri}`))).toBe(true);

    // Both versions in one moment: repeated until nothing came in between.
    await until(async () => {
      const before = await origin.text('/play/b/120p/index.m3u8');
      const delta = await origin.text('/play/b/120p/index.m3u8?_HLS_skip=YES');
      const after = await origin.text('/play/b/120p/index.m3u8');
      if (before !== after) return false;
      expect(parseLive(delta).skipped).toBeGreaterThan(0);
      expect(mergeDelta(before, delta)).toBe(after);
      const [own, report] = [await origin.text('/play/b/audio/index.m3u8'), parseLive(after).reports];
      if ((await origin.text('/play/b/120p/index.m3u8')) !== after) return false;
      const open = parseLive(own).segments.at(-1)!;
      expect(report).toEqual([{ uri: '../audio/index.m3u8', lastMsn: open.msn, lastPart: open.parts.length - 1 }]);
      return true;
    }, 'a quiet moment');
    encoder.kill();
    await exited(encoder);
  });

  test('answers every kind of reload request by the rules', async () => {
    const encoder = await start(1);
    await playable(1);
    await until(async () => (await origin.status('b')).durationSeconds >= 4, 'two segments');
    const reload = (query: string) => fetch(`${origin.playback}/play/b/120p/index.m3u8?${query}`);
    for (const query of ['_HLS_part=1', '_HLS_msn=x', '_HLS_msn=1&_HLS_part=-1', '_HLS_msn=99', '_HLS_msn=1.5']) {
      const answer = await reload(query);
      expect([query, answer.status, answer.headers.get('cache-control')]).toEqual([query, 400, 'no-store']);
    }
    for (const query of ['_HLS_msn=0', '_HLS_msn=0&_HLS_part=99', '_HLS_msn=0&_HLS_part=2&_HLS_skip=YES', 'unknown=1']) {
      expect([query, (await reload(query)).status]).toEqual([query, 200]);
    }
    const { segments } = parseLive(await (await reload('')).text());
    const next = segments.at(-1)!.msn + 1;
    const held = parseLive(await (await reload(`_HLS_msn=${next}`)).text());
    expect(held.segments.at(-1)).toMatchObject({ msn: next });

    const gone = Array.from({ length: 50 }, () => {
      const abort = new AbortController();
      const answer = fetch(`${origin.playback}/play/b/120p/index.m3u8?_HLS_msn=${next + 1}`, { signal: abort.signal }).catch(() => null);
      return { abort, answer };
    });
    const heldNow = async (): Promise<number> =>
      Number(/^holdfast_origin_held_requests(?:\{[^}]*\})? (\d+)/m.exec(await (await fetch(`${origin.controlUrl}/metrics`)).text())![1]);
    await until(async () => (await heldNow()) > 0, 'held requests');
    for (const { abort } of gone) abort.abort();
    await Promise.all(gone.map(({ answer }) => answer));
    await until(async () => (await heldNow()) === 0, 'no held request');

    encoder.kill('SIGKILL');
    await exited(encoder);
    await until(async () => (await origin.status('b')).renditions.every(({ connected }) => !connected), 'the end of the encoder');
    const last = parseLive(await (await reload('')).text()).segments.at(-1)!.msn;
    const [late, released] = await Promise.all([
      reload(`_HLS_msn=${last + 1}&_HLS_part=0`),
      until(async () => (await heldNow()) === 1, 'the held request').then(() => null),
    ]);
    expect([late.status, released]).toEqual([503, null]);
    const waiting = reload(`_HLS_msn=${last + 1}&_HLS_part=0`);
    await until(async () => (await heldNow()) === 1, 'a waiter');
    await end();
    expect(parseLive(await (await waiting).text()).ended).toBe(true);
    expect(parseLive(await (await reload('_HLS_msn=99&_HLS_part=7&_HLS_skip=YES')).text())).toMatchObject({
      ended: true,
      skipped: 0,
      hint: null,
    });
  });
});
