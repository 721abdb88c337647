import { describe, expect, it } from 'vitest';
import { Timeline } from '../../ingest/relay/timeline.js';

type Step = ['audio' | 'video', number];

const map = (steps: Step[]): number[] => {
  const timeline = new Timeline();
  return steps.map(([track, time]) => timeline.map(track, time));
};

describe('the clock of a publish', () => {
  it.each<[string, Step[], number[]]>([
    [
      'starts at one second whatever the encoder says',
      [
        ['video', 5_000_000],
        ['video', 5_000_033],
      ],
      [1000, 1033],
    ],
    [
      'keeps the distance between the tracks',
      [
        ['video', 80],
        ['audio', 0],
        ['audio', 23],
        ['video', 113],
      ],
      [1000, 920, 943, 1033],
    ],
    [
      'keeps a gap the encoder really had',
      [
        ['video', 0],
        ['video', 3000],
      ],
      [1000, 4000],
    ],
    [
      'goes on after a jump of an hour',
      [
        ['video', 0],
        ['video', 33],
        ['video', 3_600_033],
      ],
      [1000, 1033, 1066],
    ],
    [
      'goes on after a step back of ten seconds',
      [
        ['video', 20_000],
        ['video', 20_033],
        ['video', 10_033],
      ],
      [1000, 1033, 1066],
    ],
    [
      'goes on when the encoder starts again at zero',
      [
        ['audio', 900_000],
        ['audio', 900_023],
        ['audio', 0],
        ['audio', 23],
      ],
      [1000, 1023, 1056, 1079],
    ],
    [
      'follows the wrap of 32 bits',
      [
        ['video', 2 ** 32 - 20],
        ['video', 13],
        ['audio', 2 ** 32 - 10],
        ['audio', 15],
      ],
      [1000, 1033, 1010, 1035],
    ],
    [
      'never goes back by rounding',
      [
        ['video', 0],
        ['video', 40],
        ['video', 38],
        ['video', 80],
      ],
      [1000, 1040, 1040, 1080],
    ],
    [
      'takes sound that starts late at its own time',
      [
        ['video', 0],
        ['video', 5000],
        ['audio', 5010],
      ],
      [1000, 6000, 6010],
    ],
    [
      'takes sound that starts after the picture jumped',
      [
        ['video', 0],
        ['video', 3_600_000],
        ['audio', 3_600_010],
      ],
      [1000, 1033, 1043],
    ],
    [
      'takes sound that pauses for a minute',
      [['audio', 0], ...minuteOfVideo(), ['audio', 60_000]],
      [1000, ...minuteOfVideo().map(([, time]) => time + 1000), 61_000],
    ],
  ])('%s', (_name, steps, expected) => {
    expect(map(steps)).toEqual(expected);
  });

  it('keeps both tracks together when first one and then the other jumps', () => {
    const jump = 3_600_000;
    const times = map([
      ['video', 0],
      ['audio', 5],
      ['video', 33],
      ['audio', 28],
      ['video', 66 + jump],
      ['audio', 51],
      ['audio', 74 + jump],
      ['video', 100 + jump],
    ]);
    const [, , , audioBefore = 0, videoJumped = 0, audioOld = 0, audioJumped = 0, videoAfter = 0] = times;
    expect(audioOld - audioBefore).toBe(23);
    expect(videoAfter - videoJumped).toBe(34);
    expect(audioJumped - videoJumped).toBe(74 - 66);
  });

  it('counts how often it corrected the encoder', () => {
    const timeline = new Timeline();
    for (const time of [0, 33, 3_600_000, 3_600_033, 0, 33]) timeline.map('video', time);
    expect(timeline.discontinuities).toBe(2);
  });
});

function minuteOfVideo(): Step[] {
  return Array.from({ length: 60 }, (_value, second): Step => ['video', second * 1000]);
}
