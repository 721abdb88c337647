import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dataPaths } from '../../platform/config/addresses.js';
import { type MediaHost, startMediaHost } from '../../tools/launcher/stack/media-host.js';
import { startStack, type Stack } from '../../tools/launcher/stack/stack.js';
import { EncoderRegistry } from '../../media/encoder/encoder-registry.js';
import { ApiClient, type StreamView } from '../support/api.js';
import { launchBrowser, Player } from '../support/player.js';
import { bytes, mediaPlaylists, multivariant } from '../support/playlist.js';
import { Publisher } from '../support/publisher.js';
import { ffmpegPath } from '../support/toolchain.js';
import { until } from '../support/until.js';

const SMALL = { video: 'testsrc2=size=256x144:rate=25' };
/** A claim of a host that is gone runs out after 15 s. */
const TAKEOVER_LIMIT_MS = 120_000;

interface Part {
  hostId: string;
  hls: string;
  durationSeconds: number | null;
}

let stack: Stack;
let first: MediaHost;
let api: ApiClient;
let browser: Browser;
let stream: StreamView & { publishUrl: string };
let publisher: Publisher;
let broadcastId: string | null;
/** Numbers that viewers of the first host have seen. */
let lastNumber = 0;

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack({ HOLDFAST_VIDEO_PRESET: 'ultrafast' }), launchBrowser()]);
  first = await startMediaHost({ stack, hostId: 'first', ffmpegPath: ffmpegPath(), settings: { HOLDFAST_VIDEO_PRESET: 'ultrafast' } });
  api = new ApiClient(await stack.run());
  stream = await api.create({ record: true });
  publisher = new Publisher(`${first.rtmp}/${stream.streamKey}`, SMALL);
  await until(async () => (await api.stream(stream.id)).status === 'live', 'live at the first host');
});
afterAll(async () => {
  await publisher?.stop('SIGKILL');
  await browser?.close();
  await first?.stop();
  await stack?.stop();
});

const types = async (): Promise<string[]> => (await api.events(stream.id)).map(({ type }) => type);
const playlistsAt = async (hls: string) => mediaPlaylists(await multivariant(hls));
const parts = async (): Promise<Part[]> =>
  (await api.call<{ data: { parts: Part[] }[] }>('GET', `/v1/streams/${stream.id}/recordings`)).body.data[0]!.parts;

it('the API points viewers to the host that has the broadcast', async () => {
  const { playback, ...now } = await api.stream(stream.id);
  expect(new URL(playback.hls).origin).toBe(first.playback);
  broadcastId = now.broadcastId;
  const [playlist] = await until(async () => {
    const all = await playlistsAt(playback.hls);
    return all[0]!.playlist.segments.length > 1 ? all : null;
  }, 'segments at the first host');
  lastNumber = playlist!.playlist.mediaSequenceBase! + playlist!.playlist.segments.length;
});

it('a whole host killed: its publisher goes on at another one, in the same broadcast, and viewers play there', async () => {
  await first.kill();
  await publisher.exited();
  const { rtmp, playback } = await stack.run();
  await until(
    async () => {
      if (!publisher.running) publisher = new Publisher(`${rtmp}/${stream.streamKey}`, SMALL);
      return (await types()).includes('stream.reconnected');
    },
    'live at the second host',
    TAKEOVER_LIMIT_MS,
  );
  const now = await api.stream(stream.id);
  expect(now).toMatchObject({ status: 'live', broadcastId });
  expect(now.playback.hls).toBe(`${playback}/${now.playback.id}/index.m3u8`);
  const playlists = await playlistsAt(now.playback.hls);
  for (const { playlist } of playlists) {
    expect(playlist.mediaSequenceBase).toBeGreaterThan(lastNumber);
    expect(playlist.discontinuitySequenceBase).toBeGreaterThan(0);
  }
  expect((await types()).filter((type) => type !== 'stream.health')).toEqual([
    'stream.created',
    'stream.connected',
    'stream.live',
    'recording.started',
    'stream.reconnecting',
    'stream.reconnected',
  ]);
  const player = await Player.open(browser, now.playback.player);
  await until(() => player.isMoving(), 'the picture at the second host');
  await player.close();
});

it('the old host that returns disturbs nothing', async () => {
  const encoders = new EncoderRegistry(dataPaths(stack.dataDir).encoders);
  const before = await encoders.list();
  await first.start();
  const own = new EncoderRegistry(dataPaths(first.dataDir).encoders);
  await until(async () => (await own.list()).length === 0, 'the old host to have forgotten its encoder');
  expect(await encoders.list()).toEqual(before);
  expect(await api.stream(stream.id)).toMatchObject({ status: 'live', broadcastId });
});

it('ends in order, and the recording has both parts, each finished and playable', async () => {
  const answer = await api.end(stream.id);
  expect(answer.status).toBe(202);
  await until(async () => (await types()).includes('recording.ready'), 'the recording');
  expect((await types()).slice(-3)).toEqual(['stream.ending', 'stream.ended', 'recording.ready']);
  const both = await until(async () => {
    const now = await parts();
    return now.every(({ durationSeconds }) => (durationSeconds ?? 0) > 0) ? now : null;
  }, 'both parts to be finished');
  expect(both.map(({ hostId }) => hostId)).toEqual(['first', 'local']);
  for (const { hls } of both) {
    const playlists = await playlistsAt(hls);
    expect(playlists.length).toBeGreaterThan(0);
    for (const { url, playlist } of playlists) {
      expect(playlist.endlist).toBe(true);
      // What was in the making when the host was killed is a gap.
      const whole = playlist.segments.filter(({ gap }) => !gap);
      expect(whole.length).toBeGreaterThan(0);
      for (const { uri } of whole) expect((await bytes(new URL(uri, url).href)).length).toBeGreaterThan(0);
    }
  }
  const { body } = await api.call<{ durationSeconds: number }>('GET', `/v1/broadcasts/${broadcastId}`);
  const sum = both.reduce((seconds, { durationSeconds }) => seconds + durationSeconds!, 0);
  expect(body.durationSeconds).toBeCloseTo(sum);
});
