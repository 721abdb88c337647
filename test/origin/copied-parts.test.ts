import { describe, expect, test } from 'vitest';
import { choosePartProfile, fitPartProfile, MIN_PART_SHARE, PART_DURATIONS } from '../../origin/hls/part-target.js';
import type { Sample } from '../../origin/fmp4/sample.js';
import { CutGrid } from '../../origin/packager/cut-grid.js';
import { partDuration, segmentDuration, type CutSegment } from '../../origin/packager/cut-segment.js';
import { Segmenter } from '../../origin/packager/segmenter.js';

/** ffmpeg's for a copied FLV: its milliseconds times 16. */
const TIMESCALE = 16_000;
const TICKS_PER_MS = TIMESCALE / 1000;
const SEGMENTS = 6;
const NTSC = 1000 / 1001;
const RATES = [24, 25, 30, 50, 60, 24 * NTSC, 30 * NTSC, 60 * NTSC];
/** Milliseconds a frame lies beside its place, by its number. */
const TIMES: Record<string, (frame: number) => number> = {
  'rounded to milliseconds': () => 0,
  'a little early and late in turns': (frame) => (frame % 2 === 0 ? 1 : -1),
  'as far beside their places as the ingest lets them be': (frame) => ((frame * 7919) % 5) - 2,
};

function frames(rate: number, gop: number, beside: (frame: number) => number): Sample[] {
  const timeOf = (frame: number): number => 10_000 + Math.round((frame * 1000) / rate) + (frame % gop === 0 ? 0 : beside(frame));
  return Array.from({ length: SEGMENTS * gop + 1 }, (_none, frame) => ({
    dts: timeOf(frame) * TICKS_PER_MS,
    duration: (timeOf(frame + 1) - timeOf(frame)) * TICKS_PER_MS,
    compositionOffset: 0,
    keyframe: frame % gop === 0,
    flags: 0,
    size: 1,
    data: [],
  }));
}

describe.each(Object.entries(TIMES))('copied pictures whose times are %s', (_name, beside) => {
  const pairs = PART_DURATIONS.flatMap((wanted) =>
    RATES.flatMap((rate) => [true, false].map((hasAudio) => [wanted, rate, hasAudio] as const)),
  );

  test.each(pairs)('are cut into lawful parts of %d s at %d fps (sound: %s)', (wanted, rate, hasAudio) => {
    const gop = Math.round(rate * 2);
    const source = { gopSeconds: gop / rate, frameRates: [rate], hasAudio };
    const parts = choosePartProfile(wanted, { ...source, keepsSourceTimes: true });
    const grid = new CutGrid({ gopSeconds: gop / rate });
    const segmenter = new Segmenter({
      kind: 'video',
      timescale: TIMESCALE,
      grid,
      startsGrid: true,
      parts,
      keepsSourceTimes: true,
      cutsOverdue: true,
    });
    const segments: CutSegment[] = frames(rate, gop, beside).flatMap((sample) => segmenter.push(sample));
    expect(segments).toHaveLength(SEGMENTS);
    for (const segment of segments) {
      expect(segmentDuration(segment)).toBeCloseTo(gop / rate, 2);
      const durations = segment.parts.map((part) => partDuration(part, TIMESCALE));
      expect(Math.max(...durations)).toBeLessThanOrEqual(parts.partTarget);
      expect(Math.min(...durations.slice(0, -1), Infinity)).toBeGreaterThanOrEqual(MIN_PART_SHARE * parts.partTarget);
    }
    // An encoder that takes over has to keep the part target.
    expect(fitPartProfile(parts.partTarget, source).reason).toBeNull();
  });
});
