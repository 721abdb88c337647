import { describe, expect, it } from 'vitest';
import {
  BEHIND_SECONDS,
  judgePace,
  newPace,
  observePace,
  PACE_WINDOW_MS,
  type PaceSample,
  type TooSlow,
} from '../../domain/encoder-pace.js';

const LOOK_SECONDS = 2;

/** Speeds for so many seconds each: of the encoder, and of the publisher. */
interface Phase {
  seconds: number;
  encoder: number;
  publisher?: number;
}

/** An encoder encodes no more than it was sent; looked at every two seconds. When it was first found too slow, in seconds. */
function foundAfter(phases: Phase[], { look = LOOK_SECONDS, started = 0.5 } = {}): { after: number; verdict: TooSlow } | null {
  const STEP = 0.5;
  let pace = newPace();
  let [now, received, encoded] = [0, started, 0];
  for (const { seconds, encoder, publisher = 1 } of phases) {
    for (let passed = 0; passed < seconds; passed += STEP) {
      now += STEP;
      received += publisher * STEP;
      encoded = Math.min(received - started, encoded + encoder * STEP);
      if (now % look !== 0) continue;
      const sample: PaceSample = { atMs: now * 1000, encodedSeconds: encoded, receivedSeconds: received };
      pace = observePace(pace, sample);
      const verdict = judgePace(pace);
      if (verdict) return { after: now, verdict };
    }
  }
  return null;
}

describe('an encoder is not too slow', () => {
  it.each<[string, Phase[]]>([
    ['that keeps up', [{ seconds: 600, encoder: 3 }]],
    [
      'that needs long to start and catches up',
      [
        { seconds: 4, encoder: 0 },
        { seconds: 60, encoder: 1.2 },
      ],
    ],
    [
      'that stands still for a moment',
      [
        { seconds: 30, encoder: 2 },
        { seconds: 10, encoder: 0 },
        { seconds: 60, encoder: 1.5 },
      ],
    ],
    [
      'that catches up slowly after a burst of load',
      [
        { seconds: 30, encoder: 2 },
        { seconds: 10, encoder: 0.1 },
        { seconds: 120, encoder: 1.05 },
      ],
    ],
    [
      'on a machine that is busy for a quarter of a minute',
      [
        { seconds: 30, encoder: 2 },
        { seconds: 15, encoder: 0.5 },
        { seconds: 60, encoder: 2 },
      ],
    ],
    [
      'on a machine that is busy again and again',
      Array.from({ length: 20 }, () => [
        { seconds: 8, encoder: 0.4 },
        { seconds: 8, encoder: 1.7 },
      ]).flat(),
    ],
    [
      'whose publisher pauses',
      [
        { seconds: 30, encoder: 2 },
        { seconds: 60, encoder: 2, publisher: 0 },
        { seconds: 30, encoder: 2 },
      ],
    ],
    ['whose publisher is slow', [{ seconds: 300, encoder: 2, publisher: 0.5 }]],
    ['whose publisher sends much faster than real time', [{ seconds: 120, encoder: 1.5, publisher: 5 }]],
    [
      'that gets a minute at once',
      [
        { seconds: 30, encoder: 1.2 },
        { seconds: 2, encoder: 1.2, publisher: 30 },
        { seconds: 300, encoder: 1.2 },
      ],
    ],
    [
      'that stays where it is behind',
      [
        { seconds: 20, encoder: 2 },
        { seconds: 8, encoder: 0.2 },
        { seconds: 300, encoder: 1 },
      ],
    ],
  ])('%s', (_name, phases) => {
    expect(foundAfter(phases)).toBeNull();
  });

  it('because of somebody who looks too seldom', () => {
    expect(foundAfter([{ seconds: 60, encoder: 0.5 }], { look: 10 })).toBeNull();
  });
});

describe('an encoder is too slow', () => {
  it.each([0.3, 0.5, 0.8, 0.9])('at %d of real time: as soon as it has been behind for the window', (encoder) => {
    const found = foundAfter([
      { seconds: 20, encoder: 2 },
      { seconds: 300, encoder },
    ]);
    const behindAfter = BEHIND_SECONDS / (1 - encoder);
    const earliest = 20 + behindAfter + PACE_WINDOW_MS / 1000;
    expect(found!.after).toBeGreaterThanOrEqual(earliest);
    expect(found!.after).toBeLessThanOrEqual(earliest + 3 * LOOK_SECONDS);
    expect(found!.verdict.speed).toBeCloseTo(encoder, 1);
    expect(found!.verdict.behindSeconds).toBeGreaterThan(BEHIND_SECONDS);
  });

  it('from its start on', () => {
    expect(foundAfter([{ seconds: 60, encoder: 0.5 }])).not.toBeNull();
  });

  it('although it kept up for hours, and catches its breath now and then', () => {
    const slow = Array.from({ length: 20 }, () => [
      { seconds: 10, encoder: 0.6 },
      { seconds: 2, encoder: 1 },
    ]).flat();
    expect(foundAfter([{ seconds: 7200, encoder: 2 }, ...slow])).not.toBeNull();
  });
});
