import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EncoderRecord } from '../../media/encoder/encoder-registry.js';
import { isRunning } from '../../media/process/process-identity.js';
import type { ApiClient } from '../support/api.js';
import type { Player } from '../support/player.js';
import { mediaPlaylists, multivariant } from '../support/playlist.js';
import type { Publisher } from '../support/publisher.js';
import { Stage, type StagedStream } from '../support/stage.js';
import { until } from '../support/until.js';

let stage: Stage;
let api: ApiClient;
let publisher: Publisher;
let player: Player;
let stream: StagedStream;

beforeAll(async () => {
  stage = await Stage.open({ browser: true });
  api = stage.api;
  ({ stream, publisher } = await stage.live());
  player = await stage.watch(stream);
  await until(() => player.isMoving(), 'the first picture');
});
afterAll(() => stage?.close());

const encoder = async (): Promise<EncoderRecord> => {
  const all = await stage.encoders();
  expect(all).toHaveLength(1);
  return all[0]!;
};

const discontinuities = async (): Promise<number> => {
  const playlists = await mediaPlaylists(await multivariant(stream.playback.hls));
  const counts = playlists.map(({ playlist }) => playlist.segments.filter((segment) => segment.discontinuity).length);
  expect(new Set(counts).size).toBe(1);
  return counts[0]!;
};

describe('in the middle of a broadcast', () => {
  it.each(['stream-worker', 'media-worker', 'api'])('kill -9 of %s leaves the encoder and the picture alone', async (name) => {
    const before = await encoder();
    await stage.kill(name);
    expect(await player.isMoving()).toBe(true);
    await stage.becomes(stream, 'live');
    expect((await encoder()).process).toEqual(before.process);
    expect(isRunning(before.process)).toBe(true);
    expect(await discontinuities()).toBe(0);
  });

  it('kill -9 of the encoder brings the picture back by itself, in the same broadcast', async () => {
    const before = await encoder();
    const { broadcastId } = await api.stream(stream.id);
    process.kill(before.process.pid, 'SIGKILL');
    await until(async () => (await encoder()).epoch === before.epoch + 1, 'the next encoder');
    await until(async () => (await discontinuities()) === 1, 'the discontinuity');
    expect(await player.isMoving()).toBe(true);
    expect(await api.stream(stream.id)).toMatchObject({ broadcastId, status: 'live' });
    expect((await api.events(stream.id)).map((event) => event.type)).toContain('stream.health');
  });

  it('a publisher that is away and comes back as it was: the picture goes on with the slate, and with one discontinuity', async () => {
    const before = { broken: await discontinuities(), encoder: await encoder(), broadcastId: (await api.stream(stream.id)).broadcastId };
    await publisher.stop('SIGKILL');
    await stage.becomes(stream, 'reconnecting');
    await until(async () => (await encoder()).epoch > before.encoder.epoch, 'the encoder of the slate');
    const slate = await encoder();
    const { currentTime } = await player.state();
    await until(async () => (await player.state()).currentTime > currentTime + 6, 'the slate to play for six seconds');
    publisher = stage.publish(stream.publishUrl);
    await stage.becomes(stream, 'live');
    expect(await player.isMoving()).toBe(true);
    expect(await encoder()).toEqual(slate);
    expect(await discontinuities()).toBe(before.broken + 1);
    expect((await api.stream(stream.id)).broadcastId).toBe(before.broadcastId);
    expect(player.page.url()).toBe(stream.playback.player);
  });

  it('a publisher that comes back with another picture gets an encoder of its own', async () => {
    const before = { broken: await discontinuities(), encoder: await encoder() };
    await publisher.stop();
    await stage.becomes(stream, 'reconnecting');
    publisher = stage.publish(stream.publishUrl, { video: 'testsrc2=size=426x240:rate=25' });
    await stage.becomes(stream, 'live');
    await until(async () => (await encoder()).epoch > before.encoder.epoch, 'its encoder');
    expect(await player.isMoving()).toBe(true);
    expect(await discontinuities()).toBeGreaterThan(before.broken);
  });

  it('end still works, in order', async () => {
    const last = await encoder();
    expect((await api.end(stream.id)).status).toBe(202);
    await stage.becomes(stream, 'ended');
    expect(isRunning(last.process)).toBe(false);
    const types = (await api.events(stream.id)).map((event) => event.type);
    expect(types.slice(-2)).toEqual(['stream.ending', 'stream.ended']);
    const playlists = await mediaPlaylists(await multivariant(stream.playback.hls));
    expect(playlists.every(({ playlist }) => playlist.endlist)).toBe(true);
  });
});
