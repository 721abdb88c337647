import { afterAll, beforeAll, expect, it } from 'vitest';
import { dataPaths } from '../../platform/config/addresses.js';
import { type MediaHost, startMediaHost } from '../../tools/launcher/stack/media-host.js';
import { EncoderRegistry } from '../../media/encoder/encoder-registry.js';
import type { ApiClient } from '../support/api.js';
import { bytes, mediaPlaylists, multivariant } from '../support/playlist.js';
import type { Publisher } from '../support/publisher.js';
import { Stage, type StagedStream } from '../support/stage.js';
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

let stage: Stage;
let first: MediaHost;
let api: ApiClient;
let stream: StagedStream;
let publisher: Publisher;
let broadcastId: string | null;
/** Numbers that viewers of the first host have seen. */
let lastNumber = 0;

const FAST = { HOLDFAST_VIDEO_PRESET: 'ultrafast' };

beforeAll(async () => {
  stage = await Stage.open({ settings: FAST, browser: true });
  first = await startMediaHost({ stack: stage.stack, hostId: 'first', ffmpegPath: ffmpegPath(), settings: FAST });
  api = stage.api;
  stream = await api.create({ record: true });
  publisher = stage.publish(`${first.rtmp}/${stream.streamKey}`, SMALL);
  await stage.becomes(stream, 'live');
});
afterAll(async () => {
  await first?.stop();
  await stage?.close();
});

const types = (): Promise<string[]> => stage.eventTypes(stream);
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
  const { rtmp, playback } = await stage.stack.run();
  await until(
    async () => {
      if (!publisher.running) publisher = stage.publish(`${rtmp}/${stream.streamKey}`, SMALL);
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
  const player = await stage.watch(now);
  await until(() => player.isMoving(), 'the picture at the second host');
  await player.close();
});

it('the old host that returns disturbs nothing', async () => {
  const before = await stage.encoders();
  await first.start();
  const own = new EncoderRegistry(dataPaths(first.dataDir).encoders);
  await until(async () => (await own.list()).length === 0, 'the old host to have forgotten its encoder');
  expect(await stage.encoders()).toEqual(before);
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
