import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataPaths } from '../../config/addresses.js';
import { startStack, type Stack } from '../../launcher/stack.js';
import type { EncoderRecord } from '../../media/encoder-registry.js';
import { ApiClient, type StreamView } from '../support/api.js';
import { launchBrowser, Player } from '../support/player.js';
import { mediaPlaylists, multivariant } from '../support/playlist.js';
import { Publisher } from '../support/publisher.js';
import { ffmpegPath } from '../support/toolchain.js';
import { until } from '../support/until.js';

/** Found only after the encoder has been behind for a while. */
const FOUND_WITHIN_MS = 90_000;
const PICTURE = '640x360';
const TOP = '360p';
const REST = '240p';

let dir: string;
let stack: Stack;
let api: ApiClient;
let browser: Browser;
let stream: StreamView;
const publishers: Publisher[] = [];

/** An ffmpeg that takes two seconds for one of the largest picture, whatever the machine; it has all the time for the others. */
async function slowFfmpeg(): Promise<string> {
  const path = join(dir, 'ffmpeg');
  const scale = `scale=${PICTURE.replace('x', ':')}`;
  await writeFile(path, `#!/usr/bin/env bash\nexec '${ffmpegPath()}' "\${@//${scale}/realtime=speed=0.5,${scale}}"\n`, { mode: 0o755 });
  return path;
}

async function publish(settings: Record<string, unknown>): Promise<StreamView> {
  const created = await api.create(settings);
  publishers.push(new Publisher(created.publishUrl, { video: `testsrc2=size=${PICTURE}:rate=30` }));
  await until(async () => (await api.stream(created.id)).status === 'live', 'live');
  return created;
}

async function encoderOf({ id }: StreamView): Promise<EncoderRecord> {
  const { broadcastId } = await api.stream(id);
  const folder = dataPaths(stack.dataDir).encoders;
  const records = await Promise.all((await readdir(folder)).filter((name) => name.endsWith('.json')).map((name) => readFile(join(folder, name), 'utf8')));
  return records.map((text) => JSON.parse(text) as EncoderRecord).find((record) => record.broadcastId === broadcastId)!;
}

const health = async ({ id }: StreamView) => (await api.events(id)).filter(({ type }) => type === 'stream.health');
const listed = async ({ playback }: StreamView): Promise<string[]> =>
  (await multivariant(playback.hls)).playlist.variants.map(({ uri }) => uri.split('/').at(-2)!);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-slow-'));
  [stack, browser] = await Promise.all([startStack({ HOLDFAST_FFMPEG: await slowFfmpeg() }), launchBrowser()]);
  api = new ApiClient(await stack.run());
});
afterAll(async () => {
  await Promise.all(publishers.map((publisher) => publisher.stop()));
  await browser?.close();
  await stack?.stop();
  await rm(dir, { recursive: true, force: true });
});

describe('on a media host that is too slow', () => {
  it('the largest rendition is dropped, its viewers go on by themselves, and one that is alone stays', async () => {
    const single = publish({ ladder: [{ height: 360, bitrate: 500_000 }] });
    stream = await publish({});
    const alone = await single;
    expect(await listed(stream)).toEqual([TOP, REST]);
    const before = await encoderOf(alone);
    const player = await Player.open(browser, stream.playback.player);
    await until(async () => (await player.state()).levels === 2, 'the levels');
    await player.chooseLevel(1);
    await until(async () => (await player.state()).height === 360, 'the largest picture');

    const told = await until(async () => (await health(stream))[0], 'the rendition to be dropped', FOUND_WITHIN_MS);
    expect(told.data).toMatchObject({ problem: 'encoder_too_slow', droppedRendition: TOP, renditions: [REST, 'audio'] });
    expect(told.data.speed).toBeLessThan(0.95);
    await until(async () => (await listed(stream)).join() === REST, 'the playlist without it');
    await until(async () => (await player.state()).height === 240, 'the smaller picture where the larger one was');
    expect(await player.isMoving()).toBe(true);
    expect((await api.stream(stream.id)).status).toBe('live');

    expect((await until(async () => (await health(alone))[0], 'the other to be told of', FOUND_WITHIN_MS)).data)
      .toMatchObject({ problem: 'encoder_too_slow', droppedRendition: null });
    expect(await encoderOf(alone)).toEqual(before);
    expect(await health(stream)).toHaveLength(1);
  });

  it('the largest rendition can be played from beginning to end afterwards', async () => {
    await api.end(stream.id);
    await until(async () => (await api.stream(stream.id)).status === 'ended', 'ended');
    expect(await listed(stream)).toEqual([TOP, REST]);
    const master = await multivariant(stream.playback.hls);
    const top = (await mediaPlaylists(master)).find(({ url }) => url.includes(`/${TOP}/`))!;
    expect(top.text).not.toContain('EXT-X-GAP');
    const change = top.playlist.segments.findIndex(({ discontinuity }) => discontinuity);
    const changeAt = top.playlist.segments.slice(0, change).reduce((sum, { duration }) => sum + duration, 0);
    const player = await Player.open(browser, stream.playback.player);
    await until(async () => (await player.state()).levels === 2, 'the levels');
    await player.chooseLevel(1);
    await until(async () => (await player.state()).height === 360, 'the largest picture');
    const SECONDS_BEFORE = 2;
    await player.seek(changeAt - SECONDS_BEFORE);
    await until(async () => (await player.state()).currentTime > changeAt + SECONDS_BEFORE, 'the picture to move over the change');
    expect((await player.state()).height).toBe(240);
  });
});
