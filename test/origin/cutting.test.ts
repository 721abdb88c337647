import { describe, expect, test } from 'vitest';
import { MediaFormatError } from '../../origin/fmp4/format-error.js';
import type { Sample } from '../../origin/fmp4/sample.js';
import { Aligner, type AlignedSegment } from '../../origin/packager/aligner.js';
import { CutGrid } from '../../origin/packager/cut-grid.js';
import { segmentDuration, segmentStart, type CutSegment } from '../../origin/packager/cut-segment.js';
import { Segmenter } from '../../origin/packager/segmenter.js';
import { fitsTarget, targetDuration } from '../../origin/packager/target-duration.js';
import { AUDIO_TIMESCALE, audioFrames, everySeconds, videoFrames, VIDEO_TIMESCALE } from './media-maker.js';

const GOP = 2;
const parts = { partDuration: 0.5, partTarget: 0.512 };
const videoSegmenter = (grid: CutGrid): Segmenter =>
  new Segmenter({ kind: 'video', timescale: VIDEO_TIMESCALE, grid, startsGrid: true, parts });
const audioSegmenter = (grid: CutGrid, startsGrid = false): Segmenter =>
  new Segmenter({ kind: 'audio', timescale: AUDIO_TIMESCALE, grid, startsGrid, parts });
const feed = (segmenter: Segmenter, frames: readonly Sample[]): CutSegment[] => frames.flatMap((frame) => segmenter.push(frame));
const shape = (segments: readonly CutSegment[]) =>
  segments.map((segment) => [segment.index, segmentStart(segment), Number(segmentDuration(segment).toFixed(4))]);
const partSeconds = (segment: CutSegment): number[] =>
  segment.parts.map(({ samples }) => Number((samples.reduce((sum, { duration }) => sum + duration, 0) / segment.timescale).toFixed(4)));

describe('a picture', () => {
  test('is cut at its keyframes, in parts of half a second', () => {
    const segments = feed(videoSegmenter(new CutGrid({ gopSeconds: GOP })), videoFrames(0, 6.1, everySeconds(GOP)));
    expect(shape(segments)).toEqual([
      [0, 10, 2],
      [1, 12, 2],
      [2, 14, 2],
    ]);
    expect(partSeconds(segments[0]!)).toEqual([0.5, 0.5, 0.5, 0.5]);
    expect(segments[0]!.parts.map(({ independent }) => independent)).toEqual([true, false, false, false]);
  });

  test('begins with its first keyframe', () => {
    const segments = feed(
      videoSegmenter(new CutGrid({ gopSeconds: GOP })),
      videoFrames(0, 6, (frame) => frame % 60 === 20),
    );
    expect(shape(segments)[0]![1]).toBeCloseTo(10 + 20 / 30, 6);
  });

  test('is not cut at a keyframe beside the grid', () => {
    const scene = (frame: number): boolean => frame % 60 === 0 || frame === 85;
    expect(shape(feed(videoSegmenter(new CutGrid({ gopSeconds: GOP })), videoFrames(0, 4.1, scene)))).toEqual([
      [0, 10, 2],
      [1, 12, 2],
    ]);
  });

  test('with a keyframe missing has one long segment over two grid points', () => {
    const [, long] = feed(
      videoSegmenter(new CutGrid({ gopSeconds: GOP })),
      videoFrames(0, 6.1, (frame) => frame % 60 === 0 && frame !== 120),
    );
    expect(long).toMatchObject({ index: 1, until: 3 });
    expect(segmentDuration(long!)).toBeCloseTo(4, 6);
  });

  test('whose keyframes drift is followed for hours', () => {
    const grid = new CutGrid({ gopSeconds: GOP });
    const drifting = (frame: number): boolean => frame % 61 === 0;
    const segments = feed(videoSegmenter(grid), videoFrames(0, 1000, drifting));
    expect(segments.every((segment) => segment.until === segment.index + 1)).toBe(true);
    expect(segments.length).toBe(Math.floor((1000 * 30 - 1) / 61));
  });

  test('without any keyframe after the first is refused in the end', () => {
    const segmenter = videoSegmenter(new CutGrid({ gopSeconds: GOP }));
    expect(() =>
      feed(
        segmenter,
        videoFrames(0, 40, (frame) => frame === 0),
      ),
    ).toThrow(/no keyframe/);
  });

  test('whose decode times step back is refused', () => {
    const [first, second] = videoFrames(0, 1, everySeconds(GOP));
    const segmenter = videoSegmenter(new CutGrid({ gopSeconds: GOP }));
    segmenter.push(second!);
    expect(() => segmenter.push(first!)).toThrow(MediaFormatError);
  });

  test('with a hole in its times stays continuous: the frame before it lasts until the next', () => {
    const frames = videoFrames(0, 4.1, everySeconds(GOP)).filter((_frame, index) => index < 20 || index > 25);
    const [first] = feed(videoSegmenter(new CutGrid({ gopSeconds: GOP })), frames);
    expect(segmentDuration(first!)).toBeCloseTo(2, 6);
  });
});

describe('with an early second keyframe', () => {
  const EARLY = 0.4;
  const early = (frame: number): boolean => frame === 12 || frame % 60 === 0;
  const grid = (): CutGrid => new CutGrid({ gopSeconds: GOP, firstGopSeconds: EARLY });

  test('the first segment is short, the second makes up for it, and all later ones are regular', () => {
    const segments = feed(videoSegmenter(grid()), videoFrames(0, 6.1, early));
    expect(shape(segments)).toEqual([
      [0, 10, 0.4],
      [1, 10.4, 1.6],
      [2, 12, 2],
      [3, 14, 2],
    ]);
    expect(segments.map(partSeconds)).toEqual([[0.4], [0.5, 0.5, 0.5, 0.1], [0.5, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5]]);
    expect(segments.every(({ parts: [first] }) => first!.independent)).toBe(true);
  });

  test('sound is cut at the same points, in parts that only the last of a segment may make short', () => {
    const times = grid();
    feed(videoSegmenter(times), videoFrames(0, 0.1, early));
    const segments = feed(audioSegmenter(times), audioFrames(0, 6.1));
    expect(segments.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    for (const [index, segment] of segments.entries()) {
      const late = segmentStart(segment) - [10, 10.4, 12, 14][index]!;
      expect(late).toBeGreaterThanOrEqual(-0.001);
      expect(late).toBeLessThan(1024 / AUDIO_TIMESCALE);
      expect(Math.max(...partSeconds(segment))).toBeLessThanOrEqual(parts.partTarget);
      for (const seconds of partSeconds(segment).slice(0, -1)) expect(seconds).toBeGreaterThanOrEqual(0.85 * parts.partTarget);
    }
  });

  test('a sound alone has the short segment too', () => {
    const segments = feed(audioSegmenter(grid(), true), audioFrames(0, 4.2));
    expect(segments.map((segment) => Math.round(segmentDuration(segment) * 10) / 10)).toEqual([0.4, 1.6, 2]);
  });

  test('one that does not come makes the first segment a whole one', () => {
    const [first, second] = feed(videoSegmenter(grid()), videoFrames(0, 4.1, everySeconds(GOP)));
    expect([first!.index, first!.until, second!.index]).toEqual([0, 2, 2]);
  });

  test('a rendition that begins after it joins at the next point', () => {
    const times = grid();
    feed(videoSegmenter(times), videoFrames(0, 0.1, early));
    expect(shape(feed(videoSegmenter(times), videoFrames(1, 4.1, early)))).toEqual([[2, 12, 2]]);
  });

  test.each([
    [9.9, 0, -1],
    [10, 0, 0],
    [10.05, 0, 0],
    [10.3995, 1, 1],
    [10.41, 1, 1],
    [11.9, 2, 1],
    [12, 2, 2],
    [13.9, 3, 2],
    [14, 3, 3],
  ])('%d s is nearest to point %d and at or after point %d', (time, nearest, at) => {
    const times = grid();
    times.start(10);
    expect([times.nearest(time).index, times.at(time, 0.001)]).toEqual([nearest, at]);
  });

  test('the third keyframe moves the grid, not the second', () => {
    const times = grid();
    times.start(10);
    times.reached(1, 10.41);
    expect([1, 2, 3].map((index) => times.timeOf(index))).toEqual([10.4, 12, 14]);
    times.reached(2, 12.02);
    expect([2, 3].map((index) => times.timeOf(index))).toEqual([12.02, 14.02]);
  });
});

describe('a sound beside a picture', () => {
  test('waits for the first keyframe and is cut at the frame at or after each grid point', () => {
    const grid = new CutGrid({ gopSeconds: GOP });
    const sound = audioSegmenter(grid);
    expect(feed(sound, audioFrames(0, 1))).toEqual([]);
    feed(videoSegmenter(grid), videoFrames(0, 0.1, everySeconds(GOP)));
    const segments = feed(sound, audioFrames(1, 6.1));
    expect(segments.map(({ index }) => index)).toEqual([0, 1, 2]);
    for (const segment of segments) {
      const late = segmentStart(segment) - (10 + segment.index * GOP);
      expect(late).toBeGreaterThanOrEqual(-0.001);
      expect(late).toBeLessThan(1024 / AUDIO_TIMESCALE);
      expect(Math.max(...partSeconds(segment))).toBeLessThanOrEqual(0.512);
      expect(fitsTarget(segmentDuration(segment), targetDuration(GOP))).toBe(true);
    }
  });

  test('leaves out what lies before the picture', () => {
    const grid = new CutGrid({ gopSeconds: GOP });
    feed(
      videoSegmenter(grid),
      videoFrames(1, 1.1, () => true),
    );
    const [first] = feed(audioSegmenter(grid), audioFrames(0, 3.1));
    expect(segmentStart(first!)).toBeGreaterThanOrEqual(11);
  });
});

test('a sound alone cuts itself on its own grid', () => {
  const segments = feed(audioSegmenter(new CutGrid({ gopSeconds: GOP }), true), audioFrames(0, 6.2));
  expect(segments.map(({ index }) => index)).toEqual([0, 1, 2]);
  for (const segment of segments) expect(segmentDuration(segment)).toBeCloseTo(2, 1);
});

test.each([
  [2, 2],
  [2.002, 2],
  [1.92, 2],
  [0.5, 2],
  [2.4, 2],
  [2.5, 3],
  [4, 4],
])('a GOP of %d s has a target duration of %d s', (gop, target) => {
  expect(targetDuration(gop)).toBe(target);
});

describe('renditions side by side', () => {
  const cut = (index: number, until = index + 1, seconds = (until - index) * GOP): CutSegment => ({
    index,
    until,
    timescale: 100,
    parts: [
      {
        independent: true,
        samples: Array.from({ length: Math.round(seconds * 100) }, (_none, tick) => ({
          dts: (10 + index * GOP) * 100 + tick,
          duration: 1,
          compositionOffset: 0,
          keyframe: tick === 0,
          flags: 0,
          size: 0,
          data: [],
        })),
      },
    ],
  });
  const lengths = (aligned: readonly AlignedSegment[]) =>
    aligned.map(({ renditions }) => Object.fromEntries([...renditions].map(([id, segment]) => [id, segment && segmentDuration(segment)])));

  test('are published only when all of them have a segment', () => {
    const aligner = new Aligner(['a', 'b'], () => undefined);
    expect(aligner.add('a', cut(0))).toEqual([]);
    expect(aligner.add('a', cut(1))).toEqual([]);
    expect(lengths(aligner.add('b', cut(0)))).toEqual([{ a: 2, b: 2 }]);
    expect(lengths(aligner.add('b', cut(1)))).toEqual([{ a: 2, b: 2 }]);
  });

  test('begin with the first segment that all of them have', () => {
    const aligner = new Aligner(['a', 'b'], () => undefined);
    aligner.add('a', cut(0));
    aligner.add('a', cut(1));
    expect(lengths(aligner.add('b', cut(1)))).toEqual([{ a: 2, b: 2 }]);
  });

  test('keep common cuts when one of them missed a keyframe', () => {
    const aligner = new Aligner(['a', 'b'], () => undefined);
    aligner.add('a', cut(0, 2));
    expect(aligner.add('b', cut(0))).toEqual([]);
    expect(lengths(aligner.add('b', cut(1)))).toEqual([{ a: 4, b: 4 }]);
    aligner.add('a', cut(2));
    expect(lengths(aligner.add('b', cut(2)))).toEqual([{ a: 2, b: 2 }]);
  });

  test('go on without one that stopped, and wait for it again when it is back', () => {
    const skipped: [string, number][] = [];
    const aligner = new Aligner(['a', 'b'], (id, index) => skipped.push([id, index]));
    aligner.add('a', cut(0));
    aligner.add('b', cut(0));
    aligner.add('a', cut(1));
    aligner.add('a', cut(2));
    expect(lengths(aligner.add('a', cut(3)))).toEqual([
      { a: 2, b: null },
      { a: 2, b: null },
      { a: 2, b: null },
    ]);
    expect(skipped.at(-1)).toEqual(['b', 4]);
    expect(aligner.add('b', cut(2))).toEqual([]);
    expect(aligner.add('b', cut(5))).toEqual([]);
    expect(lengths(aligner.add('a', cut(4)))).toEqual([{ a: 2, b: null }]);
    expect(lengths(aligner.add('a', cut(5)))).toEqual([{ a: 2, b: 2 }]);
    expect(aligner.add('a', cut(6))).toEqual([]);
  });

  test('have a gap where only one of them has a hole', () => {
    const aligner = new Aligner(['a', 'b'], () => undefined);
    aligner.add('b', cut(0));
    aligner.add('b', cut(2));
    const ready = [cut(0), cut(1), cut(2)].flatMap((segment) => aligner.add('a', segment));
    expect(lengths(ready)).toEqual([
      { a: 2, b: 2 },
      { a: 2, b: null },
      { a: 2, b: 2 },
    ]);
  });

  test('jump over a hole that all of them have', () => {
    const aligner = new Aligner(['a', 'b'], () => undefined);
    const ready = [cut(0), cut(500)].flatMap((segment) => [...aligner.add('a', segment), ...aligner.add('b', segment)]);
    expect(lengths(ready)).toEqual([
      { a: 2, b: 2 },
      { a: 2, b: 2 },
    ]);
  });

  test('end at the same time when the encoder is gone', () => {
    const aligner = new Aligner(['a', 'b'], () => undefined);
    aligner.add('a', cut(0));
    aligner.add('b', cut(0));
    const tail = aligner.finish(
      new Map([
        ['a', cut(1, 2, 1.5)],
        ['b', cut(1, 2, 0.9)],
      ]),
    );
    expect(lengths([tail!])).toEqual([{ a: 0.9, b: 0.9 }]);
  });

  test('end in a common segment when one of them had closed it already', () => {
    const aligner = new Aligner(['a', 'b'], () => undefined);
    aligner.add('a', cut(0));
    expect(
      lengths([
        aligner.finish(
          new Map([
            ['a', cut(1, 2, 0.4)],
            ['b', cut(0, 1, 1.2)],
          ]),
        )!,
      ]),
    ).toEqual([{ a: 1.2, b: 1.2 }]);
  });

  test.each<[string, CutSegment | null]>([
    ['nothing', null],
    ['a splinter', cut(1, 2, 0.05)],
  ])('leave no tail when one of them has %s of it', (_name, rest) => {
    const aligner = new Aligner(['a', 'b'], () => undefined);
    aligner.add('a', cut(0));
    aligner.add('b', cut(0));
    expect(
      aligner.finish(
        new Map([
          ['a', cut(1, 2, 1.5)],
          ['b', rest],
        ]),
      ),
    ).toBeNull();
  });
});
