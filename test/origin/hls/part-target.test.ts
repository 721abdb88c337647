import { describe, expect, test } from 'vitest';
import {
  AAC_FRAME_SECONDS,
  choosePartProfile,
  fitPartProfile,
  MIN_PART_SHARE,
  PART_DURATIONS,
  partLengths,
  type PartProfile,
} from '../../../origin/hls/part-target.js';

const NTSC = [24, 30, 60].map((rate) => (rate * 1000) / 1001);
const RATES = [24, 25, 30, 50, 60, ...NTSC];
const gopOf = (rate: number): number => Math.round(rate * 2) / rate;

const pairs = PART_DURATIONS.flatMap((wanted) => RATES.map((rate) => [wanted, rate] as const));

/** Every part list that can occur. */
function allLengths(profile: PartProfile, gop: number, rate: number): number[][] {
  const audioFrames = Math.floor(gop / AAC_FRAME_SECONDS);
  return [
    partLengths('video', profile, gop, Math.round(gop * rate), 1 / rate),
    partLengths('audio', profile, gop, audioFrames, AAC_FRAME_SECONDS),
    partLengths('audio', profile, gop, audioFrames + 1, AAC_FRAME_SECONDS),
  ];
}

describe('the part target', () => {
  test.each([
    ['half a second at 30 fps without sound', 0.5, 2, [30], false, 0.5],
    ['half a second at 30 fps with sound', 0.5, 2, [30], true, 0.512],
    ['half a second at 25 fps, where it is no whole number of frames', 0.5, 2, [25], false, 0.52],
    ['half a second of sound alone', 0.5, 2, [], true, 0.512],
    ['half a second at 29.97 fps, whose GOP lasts 2.002 s', 0.5, gopOf(NTSC[1]!), [NTSC[1]!], true, 0.512],
    ['a third at 30 fps with sound', 1 / 3, 2, [30], true, 0.34134],
    ['a fifth at 30 fps with sound', 0.2, 2, [30], true, 0.21334],
    ['a second at 30 fps with sound', 1, 2, [30], true, 1.00267],
  ])('of %s', (_name, wanted, gopSeconds, frameRates, hasAudio, target) => {
    expect(choosePartProfile(wanted, { gopSeconds, frameRates, hasAudio })).toMatchObject({ partTarget: target, refused: [] });
  });

  test.each(pairs)('of parts of %d s at %d fps is lawful for every part of picture and sound', (wanted, rate) => {
    const gop = gopOf(rate);
    const { refused, ...profile } = choosePartProfile(wanted, { gopSeconds: gop, frameRates: [rate], hasAudio: true });
    expect(refused.every(({ reason }) => /differ too much/.test(reason))).toBe(true);
    for (const lengths of allLengths(profile, gop, rate)) {
      expect(Math.max(...lengths)).toBeLessThanOrEqual(profile.partTarget + 1e-9);
      expect(Math.min(...lengths.slice(0, -1), Infinity)).toBeGreaterThanOrEqual(MIN_PART_SHARE * profile.partTarget);
      expect(lengths.reduce((sum, length) => sum + length, 0)).toBeCloseTo(gop, 1);
    }
  });
});

describe('a part duration that breaks the 85 % rule', () => {
  test('is refused with its reason, and the next longer one is taken', () => {
    const chosen = choosePartProfile(0.2, { gopSeconds: 2, frameRates: [24], hasAudio: true });
    expect(chosen.refused).toEqual([{ partDuration: 0.2, reason: expect.stringContaining('is 78 % of the longest, not 85 %') as string }]);
    expect(chosen.partDuration).toBeCloseTo(1 / 3, 9);
  });

  test('gives way to whole segments where no duration fits', () => {
    const { partDuration, partTarget, refused } = choosePartProfile(0.2, { gopSeconds: 2, frameRates: [24, 2.5], hasAudio: false });
    expect({ partDuration, partTarget, refused: refused.length }).toEqual({ partDuration: 2, partTarget: 2, refused: 4 });
  });
});

describe('a later encoder under a part target that stands', () => {
  test.each(pairs)('of parts of %d s made for %d fps is cut lawfully at every other rate, or says why not', (wanted, first) => {
    const { partTarget } = choosePartProfile(wanted, { gopSeconds: gopOf(first), frameRates: [first], hasAudio: true });
    for (const later of RATES) {
      const gop = gopOf(later);
      const { reason, ...profile } = fitPartProfile(partTarget, { gopSeconds: gop, frameRates: [later], hasAudio: true });
      expect(profile.partTarget).toBe(partTarget);
      for (const lengths of allLengths(profile, gop, later)) {
        expect(Math.max(...lengths)).toBeLessThanOrEqual(partTarget + 1e-6);
        if (reason === null) expect(Math.min(...lengths.slice(0, -1), Infinity)).toBeGreaterThanOrEqual(MIN_PART_SHARE * partTarget);
      }
    }
  });
});
