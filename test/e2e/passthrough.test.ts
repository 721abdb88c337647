import * as HLS from 'hls-parser';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { follow, type PlaylistHistory } from '../../tools/bench/playlist-follower.js';
import { dataPaths } from '../../platform/config/addresses.js';
import { startStack, type Stack } from '../../tools/launcher/stack/stack.js';
import type { EncoderRecord } from '../../media/encoder/encoder-registry.js';
import { ApiClient } from '../support/api.js';
import { launchBrowser, Player } from '../support/player.js';
import { mediaPlaylists, multivariant } from '../support/playlist.js';
import { Publisher } from '../support/publisher.js';
import { until } from '../support/until.js';

let stack: Stack;
let api: ApiClient;
let browser: Browser;
beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack({ HOLDFAST_VIDEO_PRESET: 'ultrafast' }), launchBrowser()]);
  api = new ApiClient(await stack.run());
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

const encoders = (): EncoderRecord[] => {
  const dir = dataPaths(stack.dataDir).encoders;
  const names = readdirSync(dir).filter((name) => name.endsWith('.json'));
  return names.map((name) => JSON.parse(readFileSync(join(dir, name), 'utf8')) as EncoderRecord);
};
const encoderOf = (broadcastId: string | null): EncoderRecord | undefined =>
  encoders().find((record) => record.broadcastId === broadcastId);
const x264 = (...more: string[]): string[] => [
  '-c:v',
  'libx264',
  '-preset',
  'superfast',
  '-profile:v',
  'main',
  '-pix_fmt',
  'yuv420p',
  '-sc_threshold',
  '0',
  '-b:v',
  '800k',
  ...more,
];
/** Keyframes every 2 s up to the ninth second, then none. */
const HOLE = x264('-tune', 'zerolatency', '-g', '600', '-force_key_frames', 'expr:lt(t,9)*gte(t,n_forced*2)');

interface Watched {
  /** What the multivariant playlist said at the beginning: `height codecs`, largest first. */
  codecs: string[];
  /** What was found wrong. */
  stop: () => Promise<string[]>;
}
const codecsOf = (variants: HLS.types.Variant[]): string[] => variants.map(({ resolution, codecs }) => `${resolution?.height} ${codecs}`);

/** Follows every playlist with a checker that remembers, and with hls-parser in strict mode. */
async function watch(url: string): Promise<Watched> {
  const master = await multivariant(url);
  const uris = new Set(master.playlist.variants.flatMap((variant) => [variant.uri, ...variant.audio.map(({ uri }) => uri ?? '')]));
  const playlists = Object.fromEntries([...uris].filter(Boolean).map((uri) => [uri.split('/').at(-2)!, new URL(uri, url).href]));
  let stopped = false;
  const following = follow({ playlists, until: () => stopped, onPlaylist: (_name, { text }) => void HLS.parse(text) });
  return {
    codecs: codecsOf(master.playlist.variants),
    stop: async () => {
      stopped = true;
      const histories = await following;
      return [...[...histories.values()].flatMap((history) => history.findings), ...misaligned(histories)];
    },
  };
}

/** Segments of one number that are not equally long in all renditions: by more than a frame of the slowest. */
function misaligned(histories: ReadonlyMap<string, PlaylistHistory>): string[] {
  const FRAME_SECONDS = 1 / 15;
  const [first, ...others] = [...histories];
  return others.flatMap(([name, { segments }]) =>
    [...segments.values()].flatMap(({ msn, duration }) => {
      const mine = first![1].segments.get(msn)?.duration;
      const isBeside = mine && duration && Math.abs(mine - duration) > FRAME_SECONDS;
      return isBeside ? [`segment ${msn} lasts ${duration} s in ${name}, ${mine} s in ${first![0]}`] : [];
    }),
  );
}

describe('passthrough', () => {
  it('shows the source itself as the largest rendition, and encodes it once its keyframes stay away', async () => {
    const stream = await api.create({ passthrough: 'auto' });
    const publisher = new Publisher(stream.publishUrl, { videoCodec: HOLE });
    await until(
      async () => (await api.stream(stream.id)).status === 'live' || !publisher.running,
      `live; the encoder says ${publisher.stderr}`,
    );
    const { broadcastId } = await api.stream(stream.id);
    const watched = await watch(stream.playback.hls);
    const player = await Player.open(browser, stream.playback.player);
    try {
      // The source is main profile; our own ultrafast encodes are baseline.
      expect(watched.codecs).toEqual([expect.stringMatching(/^360 avc1\.4d40/), expect.stringMatching(/^240 avc1\.42c0/)]);
      await until(() => player.isMoving(), 'the first picture');
      for (const level of [0, 1, 0]) {
        await player.chooseLevel(level);
        await until(async () => (await player.state()).level === level, `rung ${level}`);
        expect(await player.isMoving()).toBe(true);
      }
      await until(() => encoderOf(broadcastId)?.epoch === 2, 'the next encoder');
      expect(encoderOf(broadcastId)).not.toHaveProperty('copies');
      const codecs = async () => codecsOf((await multivariant(stream.playback.hls)).playlist.variants);
      await until(async () => (await codecs())[0]!.startsWith('360 avc1.42c0'), 'the encoded rendition');
      expect(await player.isMoving()).toBe(true);
      expect((await api.stream(stream.id)).status).toBe('live');
      expect((await api.events(stream.id)).filter(({ type }) => type === 'stream.health').map(({ data }) => data.problem)).toContain(
        'encoder_passthrough_over',
      );
      const playlists = await mediaPlaylists(await multivariant(stream.playback.hls));
      const breaks = playlists.map(({ playlist }) => playlist.segments.filter(({ discontinuity }) => discontinuity).length);
      expect(new Set(breaks)).toEqual(new Set([1]));
      expect(await watched.stop()).toEqual([]);
    } finally {
      await watched.stop();
      await player.close();
      await publisher.stop();
      await api.end(stream.id);
    }
  });
});
