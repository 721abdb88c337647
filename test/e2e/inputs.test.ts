import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mediaPlaylists, multivariant } from '../support/playlist.js';
import type { PublishOptions } from '../support/publisher.js';
import { Stage } from '../support/stage.js';
import { until } from '../support/until.js';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open({ settings: { HOLDFAST_VIDEO_PRESET: 'ultrafast' }, browser: true });
});
afterAll(() => stage?.close());

const x264 = (gop: number, ...more: string[]): string[] => [
  '-c:v',
  'libx264',
  '-preset',
  'ultrafast',
  '-g',
  String(gop),
  '-keyint_min',
  String(gop),
  '-sc_threshold',
  '0',
  '-b:v',
  '800k',
  ...more,
];
const x265 = [
  '-c:v',
  'libx265',
  '-preset',
  'ultrafast',
  '-x265-params',
  'log-level=error:keyint=60:min-keyint=60',
  '-pix_fmt',
  'yuv420p',
  '-b:v',
  '800k',
];

interface Input {
  options: PublishOptions;
  /** Sizes of the rungs, largest first; empty for sound only. */
  sizes: string[];
  frameRates?: number[];
  audio: boolean;
}

const INPUTS: Record<string, Input> = {
  'sound only': { options: { video: null }, sizes: [], audio: true },
  'a picture only': { options: { audio: null }, sizes: ['640x360', '426x240'], audio: false },
  'a keyframe every 5 s': {
    options: { videoCodec: x264(150, '-pix_fmt', 'yuv420p', '-tune', 'zerolatency') },
    sizes: ['640x360', '426x240'],
    audio: true,
  },
  'B-frames': { options: { videoCodec: x264(60, '-pix_fmt', 'yuv420p', '-bf', '3') }, sizes: ['640x360', '426x240'], audio: true },
  'an odd size (853x479)': {
    options: { video: 'testsrc2=size=853x479:rate=30', videoCodec: x264(60, '-pix_fmt', 'yuv444p', '-tune', 'zerolatency') },
    sizes: ['852x478', '642x360', '428x240'],
    audio: true,
  },
  portrait: { options: { video: 'testsrc2=size=360x640:rate=30' }, sizes: ['360x640', '240x426'], audio: true },
  '60 frames a second': {
    options: { video: 'testsrc2=size=640x360:rate=60', videoCodec: x264(120, '-pix_fmt', 'yuv420p', '-tune', 'zerolatency') },
    sizes: ['640x360', '426x240'],
    frameRates: [30, 30],
    audio: true,
  },
  '44.1 kHz mono': {
    options: { audio: 'sine=frequency=440:sample_rate=44100', audioCodec: ['-c:a', 'aac', '-b:a', '64k', '-ac', '1', '-ar', '44100'] },
    sizes: ['640x360', '426x240'],
    audio: true,
  },
  'HEVC over enhanced RTMP': { options: { videoCodec: x265 }, sizes: ['640x360', '426x240'], audio: true },
};

describe('an encoder that sends', () => {
  it.each(Object.entries(INPUTS))('%s is played in a browser', async (_name, input) => {
    const stream = await stage.api.create();
    const publisher = stage.publish(stream.publishUrl, input.options);
    const player = await stage.watch(stream);
    try {
      await until(async () => (await stage.status(stream)) === 'live' || !publisher.running, 'live');
      expect(publisher.running, publisher.stderr).toBe(true);
      await until(() => player.isMoving(), 'the player to play');
      const master = await multivariant(stream.playback.hls);
      const variants = [...master.playlist.variants].sort((a, b) => (b.resolution?.height ?? 0) - (a.resolution?.height ?? 0));
      expect(
        variants.map((variant) => variant.resolution && `${variant.resolution.width}x${variant.resolution.height}`).filter(Boolean),
      ).toEqual([...input.sizes].sort((a, b) => Number(b.split('x')[1]) - Number(a.split('x')[1])));
      if (input.frameRates) expect(variants.map((variant) => variant.frameRate)).toEqual(input.frameRates);
      expect(variants.every((variant) => variant.codecs!.includes('mp4a.40.2'))).toBe(input.audio);
      const playlists = await mediaPlaylists(master);
      for (const { playlist } of playlists) {
        for (const segment of playlist.segments) expect(Math.round(segment.duration)).toBeLessThanOrEqual(playlist.targetDuration);
      }
      const state = await player.state();
      if (input.sizes.length > 0) expect(input.sizes).toContain(`${state.width}x${state.height}`);
    } finally {
      await player.close();
      await publisher.stop();
      await stage.api.end(stream.id);
    }
  });
});
