import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataPaths } from '../../platform/config/addresses.js';
import { startStack, type Stack } from '../../tools/launcher/stack/stack.js';
import type { EncoderRecord } from '../../media/encoder/encoder-registry.js';
import { isRunning } from '../../media/process/process-identity.js';
import { ApiClient, type StreamView } from '../support/api.js';
import { launchBrowser, Player } from '../support/player.js';
import { mediaPlaylists, multivariant } from '../support/playlist.js';
import { Publisher } from '../support/publisher.js';
import { until } from '../support/until.js';

let stack: Stack;
let api: ApiClient;
let browser: Browser;
let publisher: Publisher;
let player: Player;
let stream: StreamView & { publishUrl: string };

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack(), launchBrowser()]);
  api = new ApiClient(await stack.run());
  stream = await api.create();
  publisher = new Publisher(stream.publishUrl);
  await until(async () => (await api.stream(stream.id)).status === 'live', 'live');
  player = await Player.open(browser, stream.playback.player);
  await until(() => player.isMoving(), 'the first picture');
});
afterAll(async () => {
  await publisher?.stop();
  await browser?.close();
  await stack?.stop();
});

const encoder = (): EncoderRecord => {
  const dir = dataPaths(stack.dataDir).encoders;
  const names = readdirSync(dir).filter((name) => name.endsWith('.json'));
  expect(names).toHaveLength(1);
  return JSON.parse(readFileSync(join(dir, names[0]!), 'utf8')) as EncoderRecord;
};

const discontinuities = async (): Promise<number> => {
  const playlists = await mediaPlaylists(await multivariant(stream.playback.hls));
  const counts = playlists.map(({ playlist }) => playlist.segments.filter((segment) => segment.discontinuity).length);
  expect(new Set(counts).size).toBe(1);
  return counts[0]!;
};

/** kill -9, then wait until the supervisor has another one in its place. */
async function killAndAwaitReplacement(name: string): Promise<void> {
  const pid = (await stack.run()).processes[name]!;
  process.kill(pid, 'SIGKILL');
  await until(async () => {
    const now = (await stack.run()).processes[name];
    return now !== undefined && now !== pid;
  }, `another ${name}`);
}

describe('in the middle of a broadcast', () => {
  it.each(['stream-worker', 'media-worker', 'api'])('kill -9 of %s leaves the encoder and the picture alone', async (name) => {
    const before = encoder();
    await killAndAwaitReplacement(name);
    expect(await player.isMoving()).toBe(true);
    await until(async () => (await api.stream(stream.id)).status === 'live', 'the API to answer: live');
    expect(encoder().process).toEqual(before.process);
    expect(isRunning(before.process)).toBe(true);
    expect(await discontinuities()).toBe(0);
  });

  it('kill -9 of the encoder brings the picture back by itself, in the same broadcast', async () => {
    const before = encoder();
    const { broadcastId } = await api.stream(stream.id);
    process.kill(before.process.pid, 'SIGKILL');
    await until(() => encoder().epoch === before.epoch + 1, 'the next encoder');
    await until(async () => (await discontinuities()) === 1, 'the discontinuity');
    expect(await player.isMoving()).toBe(true);
    expect(await api.stream(stream.id)).toMatchObject({ broadcastId, status: 'live' });
    expect((await api.events(stream.id)).map((event) => event.type)).toContain('stream.health');
  });

  it('a publisher that is away and comes back as it was: the picture goes on with the slate, and with one discontinuity', async () => {
    const before = { broken: await discontinuities(), encoder: encoder(), broadcastId: (await api.stream(stream.id)).broadcastId };
    await publisher.stop('SIGKILL');
    await until(async () => (await api.stream(stream.id)).status === 'reconnecting', 'reconnecting');
    await until(() => encoder().epoch > before.encoder.epoch, 'the encoder of the slate');
    const slate = encoder();
    const { currentTime } = await player.state();
    await until(async () => (await player.state()).currentTime > currentTime + 6, 'the slate to play for six seconds');
    publisher = new Publisher(stream.publishUrl);
    await until(async () => (await api.stream(stream.id)).status === 'live', 'live again');
    expect(await player.isMoving()).toBe(true);
    expect(encoder()).toEqual(slate);
    expect(await discontinuities()).toBe(before.broken + 1);
    expect((await api.stream(stream.id)).broadcastId).toBe(before.broadcastId);
    expect(player.page.url()).toBe(stream.playback.player);
  });

  it('a publisher that comes back with another picture gets an encoder of its own', async () => {
    const before = { broken: await discontinuities(), encoder: encoder() };
    await publisher.stop();
    await until(async () => (await api.stream(stream.id)).status === 'reconnecting', 'reconnecting');
    publisher = new Publisher(stream.publishUrl, { video: 'testsrc2=size=426x240:rate=25' });
    await until(async () => (await api.stream(stream.id)).status === 'live', 'live again');
    await until(() => encoder().epoch > before.encoder.epoch, 'its encoder');
    expect(await player.isMoving()).toBe(true);
    expect(await discontinuities()).toBeGreaterThan(before.broken);
  });

  it('end still works, in order', async () => {
    const last = encoder();
    expect((await api.end(stream.id)).status).toBe(202);
    await until(async () => (await api.stream(stream.id)).status === 'ended', 'ended');
    expect(isRunning(last.process)).toBe(false);
    const types = (await api.events(stream.id)).map((event) => event.type);
    expect(types.slice(-2)).toEqual(['stream.ending', 'stream.ended']);
    const playlists = await mediaPlaylists(await multivariant(stream.playback.hls));
    expect(playlists.every(({ playlist }) => playlist.endlist)).toBe(true);
  });
});
