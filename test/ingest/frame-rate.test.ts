import { describe, expect, it } from 'vitest';
import { measureFrameRate } from '../../ingest/source/frame-rate.js';

/** Times of `count` frames as FLV writes them: whole milliseconds. */
const steady = (fps: number, count: number): number[] => Array.from({ length: count }, (_value, index) => Math.round((index * 1000) / fps));
/** The same, each up to 8 ms late, without chance. */
const shaky = (fps: number, count: number): number[] => steady(fps, count).map((time, index) => time + ((index * 5) % 9));

const measure = (times: number[], announced: number | null = null, elapsedMs = (times.at(-1) ?? 0) - (times[0] ?? 0)): number | null =>
  measureFrameRate({ times, elapsedMs, announced });

describe('the frame rate', () => {
  it.each([10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 120])('of %i steady frames a second is told from eight of them', (fps) => {
    expect(measure(steady(fps, 8))).toBe(fps);
  });

  it.each([
    ['the announced 29.97 that fits', steady(29.97, 4), 29.97, 29.97],
    ['30000/1001 by its usual name', steady(29.97, 4), 30000 / 1001, 29.97],
    ['60000/1001 by its usual name', steady(59.94, 4), 60000 / 1001, 59.94],
    ['an unusual rate that is announced and kept', steady(18, 6), 18, 18],
    ['what is measured, not what is wrongly announced', steady(30, 8), 60, 30],
    ['what is measured when nonsense is announced', steady(30, 8), 1_000_000, 30],
    ['the nearest standard rate of shaky times', shaky(30, 24), null, 30],
    ['whole numbers of an unusual rate', steady(18, 24), null, 18],
    ['one, for one picture a second', steady(1, 2), null, 1],
  ])('is %s', (_name, times, announced, expected) => {
    expect(measure(times, announced)).toBe(expected);
  });

  it.each([
    ['one frame', [0], null],
    ['seven frames, nothing announced', steady(30, 7), null],
    ['three frames, though announced', steady(30, 3), 30],
    ['shaky times so far', shaky(30, 12), null],
    ['frames that all have one time', [5, 5, 5, 5], 30],
  ])('stays open after %s', (_name, times, announced) => {
    expect(measure(times, announced)).toBeNull();
  });

  it('of a still picture is what was announced, or the lowest', () => {
    expect(measure([0], 25, 2500)).toBe(25);
    expect(measure([0], null, 2500)).toBe(1);
  });
});
