import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EncoderRecord } from '../../media/encoder/encoder-registry.js';
import type { ApiClient, StreamView } from '../support/api.js';
import { bytes, mediaPlaylists, multivariant } from '../support/playlist.js';
import { Stage } from '../support/stage.js';
import { ffmpegPath } from '../support/toolchain.js';
import { until } from '../support/until.js';

/** Found only after the encoder has been behind for a while. */
const FOUND_WITHIN_MS = 90_000;
/** Several such waits, on a machine that has other things to do. */
const TEST_LIMIT_MS = 4 * FOUND_WITHIN_MS;
const PICTURE = '640x360';
const TOP = '360p';
const REST = '240p';

let dir: string;
let stage: Stage;
let api: ApiClient;
let stream: StreamView;

const slowSign = (): string => join(dir, 'slow');

/**
 * An ffmpeg that, when it is started under the sign, takes two seconds for one of the largest picture, whatever the machine;
 * it has all the time for the others.
 */
async function slowFfmpeg(): Promise<string> {
  const path = join(dir, 'ffmpeg');
  const [real, scale] = [ffmpegPath(), `scale=${PICTURE.replace('x', ':')}`];
  const lines = [
    '#!/usr/bin/env bash',
    `[ -e '${slowSign()}' ] || exec '${real}' "$@"`,
    `exec '${real}' "\${@//${scale}/realtime=speed=0.5,${scale}}"`,
  ];
  await writeFile(path, `${lines.join('\n')}\n`, { mode: 0o755 });
  return path;
}

const publish = async (settings: Record<string, unknown>): Promise<StreamView> =>
  (await stage.live(settings, { video: `testsrc2=size=${PICTURE}:rate=30` })).stream;

const encoderOf = async (one: StreamView): Promise<EncoderRecord> => (await stage.encoderOf(one))!;

const tooSlow = async ({ id }: StreamView) => (await api.events(id)).filter(({ data }) => data.problem === 'encoder_too_slow');
const listed = async ({ playback }: StreamView): Promise<string[]> =>
  (await multivariant(playback.hls)).playlist.variants.map(({ uri }) => uri.split('/').at(-2)!);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-slow-'));
  stage = await Stage.open({ settings: { HOLDFAST_FFMPEG: await slowFfmpeg(), HOLDFAST_VIDEO_PRESET: 'ultrafast' }, browser: true });
  api = stage.api;
});
afterAll(async () => {
  await stage?.close();
  await rm(dir, { recursive: true, force: true });
});

describe('on a media host that is too slow', () => {
  it(
    'the largest rendition is dropped, its viewers go on by themselves, and one that is alone stays',
    async () => {
      stream = await publish({});
      expect(await listed(stream)).toEqual([TOP, REST]);
      const player = await stage.watch(stream);
      await until(async () => (await player.state()).levels === 2, 'the levels');
      await player.chooseLevel(1);
      await until(async () => (await player.state()).height === 360, 'the largest picture', FOUND_WITHIN_MS);
      await writeFile(slowSign(), '');
      process.kill((await encoderOf(stream)).process.pid, 'SIGKILL');
      const alone = await publish({ ladder: [{ height: 360, bitrate: 500_000 }] });
      const before = await encoderOf(alone);

      const told = await until(async () => (await tooSlow(stream))[0], 'the rendition to be dropped', FOUND_WITHIN_MS);
      expect(told.data).toMatchObject({ problem: 'encoder_too_slow', droppedRendition: TOP, renditions: [REST, 'audio'] });
      expect(told.data.speed).toBeLessThan(0.95);
      await until(async () => (await listed(stream)).join() === REST, 'the playlist without it', FOUND_WITHIN_MS);
      await until(async () => (await player.state()).height === 240, 'the smaller picture where the larger one was', FOUND_WITHIN_MS);
      expect(await player.isMoving()).toBe(true);
      expect(await stage.status(stream)).toBe('live');

      expect((await until(async () => (await tooSlow(alone))[0], 'the other to be told of', FOUND_WITHIN_MS)).data).toMatchObject({
        problem: 'encoder_too_slow',
        droppedRendition: null,
      });
      expect(await encoderOf(alone)).toEqual(before);
      expect((await tooSlow(stream)).filter(({ data }) => data.droppedRendition !== null)).toHaveLength(1);
    },
    TEST_LIMIT_MS,
  );

  it('the largest rendition is there from beginning to end afterwards', async () => {
    await api.end(stream.id);
    await stage.becomes(stream, 'ended');
    expect(await listed(stream)).toEqual([TOP, REST]);
    const master = await multivariant(stream.playback.hls);
    const top = (await mediaPlaylists(master)).find(({ url }) => url.includes(`/${TOP}/`))!;
    expect(top.text).not.toContain('EXT-X-GAP');
    const changes = top.playlist.segments.filter(
      ({ uri }, index, all) => index > 0 && uri.startsWith('../') !== all[index - 1]!.uri.startsWith('../'),
    );
    expect(changes).toHaveLength(1);
    expect(changes[0]!.discontinuity).toBe(true);
    for (const { uri } of top.playlist.segments) expect((await bytes(new URL(uri, top.url).href)).length).toBeGreaterThan(0);
  });
});
