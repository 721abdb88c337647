import * as HLS from 'hls-parser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { follow, type PlaylistHistory } from '../../tools/bench/playlist-follower.js';
import { mediaPlaylists, multivariant } from '../support/playlist.js';
import { Stage } from '../support/stage.js';
import { until } from '../support/until.js';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open({ settings: { HOLDFAST_VIDEO_PRESET: 'ultrafast' }, browser: true });
});
afterAll(() => stage?.close());

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
    const { api } = stage;
    const { stream } = await stage.live({ passthrough: 'auto' }, { videoCodec: HOLE });
    const watched = await watch(stream.playback.hls);
    const player = await stage.watch(stream);
    try {
      // The source is main profile; our own ultrafast encodes are baseline.
      expect(watched.codecs).toEqual([expect.stringMatching(/^360 avc1\.4d40/), expect.stringMatching(/^240 avc1\.42c0/)]);
      await until(() => player.isMoving(), 'the first picture');
      for (const level of [0, 1, 0]) {
        await player.chooseLevel(level);
        await until(async () => (await player.state()).level === level, `rung ${level}`);
        expect(await player.isMoving()).toBe(true);
      }
      await until(async () => (await stage.encoderOf(stream))?.epoch === 2, 'the next encoder');
      expect(await stage.encoderOf(stream)).not.toHaveProperty('copies');
      const codecs = async () => codecsOf((await multivariant(stream.playback.hls)).playlist.variants);
      await until(async () => (await codecs())[0]!.startsWith('360 avc1.42c0'), 'the encoded rendition');
      expect(await player.isMoving()).toBe(true);
      expect(await stage.status(stream)).toBe('live');
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
    }
  });
});
