import { randomUUID } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HoldfastError } from '../../domain/errors.js';
import { ApiKeyCache, KNOWN_KEY_MS, UNKNOWN_KEY_MS } from '../../origin/access/api-key-cache.js';
import { createTokenVerifier } from '../../origin/access/verify-token.js';
import { UNCOUNTED } from '../../origin/http/address-limits.js';
import type { Asker, Found, Whole } from '../../origin/http/found.js';
import { PlaybackAnswers } from '../../origin/http/playback-answers.js';
import { ViewerAccess } from '../../origin/http/viewer-access.js';
import { mediaPlaylist } from '../../origin/playlists.js';
import { RenderedPlaylist } from '../../origin/rendered-playlist.js';
import { History } from '../../origin/store/history.js';
import { PartStore } from '../../origin/store/part-store.js';
import { SegmentCache } from '../../origin/store/segment-cache.js';
import { signToken } from '../../platform/auth/tokens.js';
import { parseLive } from '../../tools/bench/playlist-follower.js';
import { until } from '../support/until.js';
import { AUDIO, encode, exited, TestOrigin, video } from './support.js';

const MINUTE_MS = 60_000;

describe('a viewer of a signed stream', () => {
  const unavailable = (): Promise<never> => Promise.reject(new HoldfastError('database_unavailable'));
  const MINUTES = 60_000;

  test('stays in while nobody can check the token again, until it expires', async () => {
    let verify: () => Promise<{ validUntil: number }> = () => Promise.resolve({ validUntil: 10 * MINUTES });
    const access = new ViewerAccess(() => verify());
    await access.check('t', 's', 0);
    verify = unavailable;
    await access.check('t', 's', 5 * MINUTES);
    await expect(access.check('t', 's', 10 * MINUTES)).rejects.toMatchObject({ code: 'token_expired' });
    await expect(access.check('new', 's', 0)).rejects.toMatchObject({ code: 'database_unavailable' });
  });

  test('is put out once the API key is revoked', async () => {
    let verify: () => Promise<{ validUntil: number }> = () => Promise.resolve({ validUntil: 10 * MINUTES });
    const access = new ViewerAccess(() => verify());
    await access.check('t', 's', 0);
    verify = () => Promise.reject(new HoldfastError('invalid_credentials'));
    await access.check('t', 's', 1000);
    await expect(access.check('t', 's', 2 * MINUTES)).rejects.toMatchObject({ code: 'invalid_credentials' });
  });

  test('has a token for one stream only', async () => {
    const access = new ViewerAccess((_token, streamId) =>
      streamId === 'mine' ? Promise.resolve({ validUntil: MINUTES }) : Promise.reject(new HoldfastError('forbidden')),
    );
    await access.check('t', 'mine', 0);
    await expect(access.check('t', 'other', 0)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(access.check(null, 'mine', 0)).rejects.toMatchObject({ code: 'unauthenticated' });
  });
});

describe('viewers with tokens of their own', () => {
  const renditions = [video(120), AUDIO];
  let origin: TestOrigin;
  let encoder: ReturnType<typeof encode>;
  let verified: string[] = [];
  beforeAll(async () => {
    origin = await TestOrigin.start({ viewerProcess: true });
    origin.verify = (token) => {
      verified.push(token);
      return token.startsWith('good')
        ? Promise.resolve({ validUntil: Date.now() + MINUTE_MS })
        : Promise.reject(new HoldfastError('invalid_credentials'));
    };
    await origin.open('b', { latency: 'low', playbackPolicy: 'signed' });
    encoder = encode({ sockets: await origin.startEncode('b', 1, renditions), renditions, seconds: 300, realTime: true });
    await until(async () => (await origin.status('b')).playable, 'something to play');
  });
  afterAll(async () => {
    encoder.kill('SIGKILL');
    await exited(encoder);
    await origin.close();
  });

  test('get one answer of the origin through a viewer process, and those with bad ones nothing of it', async () => {
    const VIEWERS = 30;
    const path = '/play/b/120p/index.m3u8';
    const requests = (kind: string): Promise<number> =>
      origin.metric('holdfast_origin_requests_total', 'origin', `kind="${kind}",status="20`);
    const { hint, segments } = parseLive(await origin.text(`/t/good${path}`));
    const open = segments.at(-1)!;
    const next = open.uri === null ? `_HLS_msn=${open.msn}&_HLS_part=${open.parts.length}` : `_HLS_msn=${open.msn + 1}&_HLS_part=0`;
    const before = [await requests('playlist'), await requests('part'), await requests('access')];
    verified = [];
    const ask = async (viewer: number, target: string): Promise<Buffer> =>
      Buffer.from(await (await fetch(`${origin.playback}/t/good${viewer}${target}`)).arrayBuffer());
    const viewers = Array.from({ length: VIEWERS }, (_viewer, index) => index);
    const [reloads, parts, refused] = await Promise.all([
      Promise.all(viewers.map((viewer) => ask(viewer, `${path}?${next}`))),
      Promise.all(viewers.map((viewer) => ask(viewer, `/play/b/120p/${hint}`))),
      Promise.all(viewers.map(async (viewer) => (await fetch(`${origin.playback}/t/bad${viewer}${path}?${next}`)).status)),
    ]);
    expect(new Set(refused)).toEqual(new Set([401]));
    expect(reloads[0]!.toString()).toContain(`URI="${hint}"`);
    expect(reloads.every((text) => text.equals(reloads[0]!))).toBe(true);
    expect(parts.every((bytes) => bytes.length > 0 && bytes.equals(parts[0]!))).toBe(true);
    expect([await requests('playlist'), await requests('part')]).toEqual([before[0]! + 1, before[1]! + 1]);
    expect((await requests('access')) - before[2]!).toBe(VIEWERS);
    expect(verified.filter((token) => token.startsWith('good'))).toHaveLength(VIEWERS);
  });

  test('get the same buffers at the origin, at once after the first check', async () => {
    const finder = new PlaybackAnswers({
      broadcasts: origin.server.broadcasts,
      cache: new SegmentCache(0),
      parts: new PartStore(),
      access: new ViewerAccess((token) => origin.verify(token, 'stream')),
      assets: { player: null as never, named: () => null },
    });
    const find = (token: string, asker: Asker = { gzip: true, refusals: UNCOUNTED }): Found =>
      finder.find(`/t/${token}/play/b/index.m3u8`, asker).found;
    const whole = async (found: Found): Promise<Whole> => {
      if (found.type === 'pending') return whole(await found.ready);
      if (found.type !== 'whole') throw new Error(`found ${found.type}`);
      return found;
    };
    expect([find('good-a').type, find('good-b').type]).toEqual(['pending', 'pending']);
    await whole(find('good-a'));
    await whole(find('good-b'));
    const [a, b] = [find('good-a'), find('good-b')];
    expect([a.type, b.type]).toEqual(['whole', 'whole']);
    expect((await whole(a)).source).toBe((await whole(b)).source);
    expect((await whole(a)).variant).toBe((await whole(b)).variant);
    await expect(whole(find('bad'))).rejects.toMatchObject({ code: 'invalid_credentials' });
    const blocked = find('bad-too', { gzip: true, refusals: { tooMany: true, count: () => undefined } });
    await expect(whole(blocked)).rejects.toMatchObject({ code: 'rate_limited' });
    expect(find('good-a', { gzip: true, refusals: { tooMany: true, count: () => undefined } }).type).toBe('whole');
  });
});

test('a long replay is compressed aside, once, and the same for everyone', async () => {
  const playlist = new RenderedPlaylist('b', 1, '#EXTINF:2.00000,\n0.m4s\n'.repeat(20_000));
  const [first, second] = [playlist.gzip, playlist.gzip];
  expect(first).toBeInstanceOf(Promise);
  expect(second).toBe(first);
  const compressed = await first;
  expect(playlist.gzip).toBe(compressed);
  expect(gunzipSync(compressed).equals(playlist.plain)).toBe(true);
  expect(new RenderedPlaylist('b', 1, '#EXTM3U').gzip).toBeInstanceOf(Buffer);
});

test('a long replay is rendered in turns with everything else, and once for all who ask meanwhile', async () => {
  const SEGMENTS = 20_000;
  const open = { type: 'open', at: 1, broadcastId: 'b', playbackId: 'p', streamId: 's', latency: 'standard' } as const;
  const history = new History({ ...open, playbackPolicy: 'signed', keep: true });
  history.apply({ type: 'run', run: 0, epoch: 1, gopSeconds: 2, targetDuration: 2, partTarget: 0.3, renditions: [AUDIO] });
  history.apply({ type: 'init', run: 0, rendition: 'audio', file: 'init-1.mp4', codec: 'mp4a.40.2', width: 0, height: 0 });
  for (let msn = 0; msn < SEGMENTS; msn++) history.apply({ type: 'segment', msn, run: 0, renditions: { audio: [2, 1, msn * 2000] } });
  history.apply({ type: 'end', at: 2 });
  const asked = [mediaPlaylist(history, 'audio', 'vod'), mediaPlaylist(history, 'audio', 'vod')];
  let turns = 0;
  let over = false;
  const turn = (): void => {
    turns++;
    if (!over) setImmediate(turn);
  };
  setImmediate(turn);
  const [first, second] = [await asked[0], await asked[1]];
  over = true;
  expect(second).toBe(first);
  expect(mediaPlaylist(history, 'audio', 'vod')).toBe(first);
  expect(first!.plain.toString().match(/^\d+\.m4s$/gm)).toHaveLength(SEGMENTS);
  expect(first!.plain.toString().endsWith('#EXT-X-ENDLIST\n')).toBe(true);
  expect(turns).toBeGreaterThan(SEGMENTS / 1000);
});

describe('a token costs', () => {
  const bench = (secrets: Record<string, string>, clock?: { now: () => number }) => {
    const queries: string[] = [];
    const keys = new ApiKeyCache((apiKey) => {
      queries.push(apiKey);
      return Promise.resolve(secrets[apiKey] ?? null);
    }, clock);
    return { queries, keys, verify: createTokenVerifier(keys.find), secrets };
  };
  const tokenOf = async (apiKey: string, apiSecret: string, streamId = 's'): Promise<string> =>
    (await signToken({ apiKey, apiSecret, permissions: ['playback'], streamId, expiresInSeconds: 3600 })).token;

  test('no query of its own, be it good, forged, or of nobody', async () => {
    const { queries, verify } = bench({ key: 'secret' });
    for (let viewer = 0; viewer < 20; viewer++) await verify(await tokenOf('key', 'secret', `s${viewer}`), `s${viewer}`);
    const bad = [await tokenOf('key', 'guess'), await tokenOf('nobody', 'guess'), 'a.b.c', `${await tokenOf('key', 'secret')}x`];
    for (const token of [...bad, ...bad]) await expect(verify(token, 's')).rejects.toMatchObject({ code: 'invalid_credentials' });
    await expect(verify(await tokenOf('key', 'secret', 'other'), 's')).rejects.toMatchObject({ code: 'forbidden' });
    expect(queries).toEqual(['key', 'nobody']);
  });

  test('one query for all who come at once, and none for a key that is too long to be one', async () => {
    const { queries, keys } = bench({ key: 'secret' });
    expect(await Promise.all(Array.from({ length: 50 }, () => keys.find('key')))).toEqual(Array.from({ length: 50 }, () => 'secret'));
    expect(await keys.find(randomUUID().repeat(10))).toBeNull();
    expect(queries).toEqual(['key']);
  });

  test('a revoked key and a new one are noticed in time, and a database that is away is not remembered', async () => {
    let now = 1000;
    const { keys, secrets } = bench({ key: 'secret' }, { now: () => now });
    expect([await keys.find('key'), await keys.find('new')]).toEqual(['secret', null]);
    delete secrets.key;
    secrets.new = 'made';
    now += UNKNOWN_KEY_MS + 1;
    expect([await keys.find('key'), await keys.find('new')]).toEqual(['secret', 'made']);
    now += KNOWN_KEY_MS;
    expect(await keys.find('key')).toBeNull();
    let away = true;
    const restless = new ApiKeyCache(() => (away ? Promise.reject(new Error('away')) : Promise.resolve('secret')));
    await expect(restless.find('key')).rejects.toThrow('away');
    away = false;
    expect(await restless.find('key')).toBe('secret');
  });
});
