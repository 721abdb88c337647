import { describe, expect, test } from 'vitest';
import { declaredRate, EMPTY_TALLY, tallySegment } from '../../../origin/hls/bandwidth.js';
import { renderMultivariantPlaylist, type MultivariantPlaylist, type Variant } from '../../../origin/hls/multivariant-playlist.js';
import { parseMultivariant } from '../playlist-check.js';
import { expectGolden } from './golden.js';

const picture = (height: number, width: number, rate: number, frameRate = 30): Variant => ({
  uri: `b1/${height}p/index.m3u8`,
  bandwidth: rate,
  averageBandwidth: Math.round(rate * 0.8),
  codecs: ['avc1.64001f', 'mp4a.40.2'],
  video: { width, height, frameRate },
});
const audio = { uri: 'b1/audio/index.m3u8', name: 'Audio', channels: 2 };

describe('a multivariant playlist', () => {
  const cases: [string, string, MultivariantPlaylist][] = [
    [
      'offers pictures that share one sound',
      'multivariant',
      { variants: [picture(720, 1280, 3_400_000), picture(480, 854, 1_600_000, 30_000 / 1001)], audio },
    ],
    [
      'has no audio group without sound',
      'multivariant-video-only',
      { variants: [{ ...picture(360, 640, 900_000), codecs: ['avc1.64001e'] }], audio: null },
    ],
    [
      'offers sound alone as a variant',
      'multivariant-audio-only',
      {
        variants: [{ uri: 'b1/audio/index.m3u8?token=a.b-c_d', bandwidth: 160_000, averageBandwidth: 128_000, codecs: ['mp4a.40.2'] }],
        audio: null,
      },
    ],
  ];
  test.each(cases)('%s', (_sentence, golden, playlist) => {
    const text = renderMultivariantPlaylist(playlist);
    expectGolden(text, golden);
    expect(parseMultivariant(text).variants.map(({ uri }) => uri)).toEqual(playlist.variants.map(({ uri }) => uri));
  });
});

describe('the declared rates', () => {
  const tally = [
    [2, 250_000],
    [2, 500_000],
    [0.2, 200_000],
  ].reduce((sum, [s, b]) => tallySegment(sum, s!, b!), EMPTY_TALLY);

  test('of a running broadcast are never below what the encoder may reach', () => {
    expect(declaredRate(tally, 3_000_000)).toEqual({ peak: 3_750_000, average: Math.ceil((950_000 * 8) / 4.2) });
  });

  test('of a running broadcast rise with what was measured', () => {
    expect(declaredRate(tally, 1_000_000).peak).toBe(2_000_000);
  });

  test('of an ended one are what was; a splinter of a segment does not count as a peak', () => {
    expect(declaredRate(tally, null).peak).toBe(2_000_000);
  });

  test('before any segment are the plan', () => {
    expect(declaredRate(EMPTY_TALLY, 1_000_000)).toEqual({ peak: 1_250_000, average: 1_000_000 });
  });
});
