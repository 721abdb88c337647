import { describe, expect, test } from 'vitest';
import { AAC_FRAME_SECONDS, AUDIO_PART_TOLERANCE, partLengths, partProfile, VIDEO_PART_TOLERANCE } from '../../hls/part-target.js';

const RATES = [24, 25, 30_000 / 1001, 30, 50, 60_000 / 1001, 60];
/** RFC 8216bis 4.4.4.9: only the last part of a segment may be shorter. */
const MIN_SHARE = 0.85;

describe('the part target', () => {
  test.each([
    ['30 fps without sound', 2, [30], false, 0.5],
    ['30 fps with sound', 2, [30], true, 0.512],
    ['25 fps, where half a second is no whole number of frames', 2, [25], false, 0.52],
    ['sound alone', 2, [], true, 0.512],
    ['29.97 fps, whose GOP lasts 2.002 s', 60 / (30_000 / 1001), [30_000 / 1001], true, 0.512],
  ])('of %s', (_name, gop, rates, audio, target) => {
    expect(partProfile(gop, rates, audio).partTarget).toBeCloseTo(target, 5);
  });

  test.each(RATES)('at %d fps is lawful for every part of picture and sound', (rate) => {
    const gopFrames = Math.round(rate * 2);
    const gop = gopFrames / rate;
    const { partDuration, partTarget } = partProfile(gop, [rate], true);
    const audioFrames = Math.floor(gop / AAC_FRAME_SECONDS);
    const all = [
      partLengths(gopFrames, 1 / rate, partDuration, VIDEO_PART_TOLERANCE),
      partLengths(audioFrames, AAC_FRAME_SECONDS, partDuration, AUDIO_PART_TOLERANCE),
      partLengths(audioFrames + 1, AAC_FRAME_SECONDS, partDuration, AUDIO_PART_TOLERANCE),
    ];
    for (const lengths of all) {
      expect(Math.max(...lengths)).toBeLessThanOrEqual(partTarget + 1e-9);
      expect(Math.min(...lengths.slice(0, -1))).toBeGreaterThanOrEqual(MIN_SHARE * partTarget);
    }
  });
});
