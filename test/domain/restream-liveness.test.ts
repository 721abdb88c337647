import { describe, expect, it } from 'vitest';
import { newIntake, observeIntake, type Intake, type IntakeReading } from '../../domain/restream-intake.js';
import { judgeRestream, type RestreamReading } from '../../domain/restream-liveness.js';

describe('a connection', () => {
  const SENDING: RestreamReading = { running: true, connectingMs: 5000, sendingMs: 5000, stalledMs: 500 };
  it.each<[string, RestreamReading, string]>([
    ['whose process is gone has ended', { ...SENDING, running: false }, 'ended'],
    [
      'that waits for the programme is connecting, however long',
      { running: true, connectingMs: null, sendingMs: null, stalledMs: 900_000 },
      'connecting',
    ],
    [
      'that waits for the platform is connecting',
      { running: true, connectingMs: 14_000, sendingMs: null, stalledMs: 14_000 },
      'connecting',
    ],
    [
      'that waits for the platform for too long is unreachable',
      { running: true, connectingMs: 16_000, sendingMs: null, stalledMs: 16_000 },
      'unreachable',
    ],
    ['whose media has just begun is not live yet: the platform may still refuse it', { ...SENDING, sendingMs: 1000 }, 'settling'],
    ['whose media is taken is live', SENDING, 'live'],
    ['whose media was written but never taken is not live', { ...SENDING, sendingMs: 9000, stalledMs: 9000 }, 'settling'],
    ['that takes nothing for half a minute is wedged', { ...SENDING, stalledMs: 30_001 }, 'wedged'],
  ])('%s', (_name, reading, verdict) => {
    expect(judgeRestream(reading)).toBe(verdict);
  });
});

describe('what the platform takes', () => {
  const SECOND = 1000;
  const STEP = 140_000;
  const follow = (readings: Omit<IntakeReading, 'mayPause' | 'isNew'>[], mayPause = false): Intake =>
    readings.reduce((intake, reading) => observeIntake(intake, { ...reading, isNew: true, mayPause }), newIntake(0));

  it('moves as long as everything written is acknowledged', () => {
    expect(follow([1, 2, 3].map((second) => ({ now: second * SECOND, written: second * STEP, waiting: 0 }))).at).toBe(3 * SECOND);
  });

  it('moves on a full connection that is acknowledged bit by bit', () => {
    const waiting = [2_500_000, 2_499_000, 2_500_500, 2_498_000];
    expect(follow(waiting.map((bytes, second) => ({ now: second * SECOND, written: 5_000_000 + second * 1000, waiting: bytes }))).at).toBe(
      3 * SECOND,
    );
  });

  it('stands still from the freeze on, though buffers go on filling and the figures differ in age', () => {
    const healthy = [1, 2, 3].map((second) => ({ now: second * SECOND, written: second * STEP, waiting: 0 }));
    // Frozen at 3 s: all that is written from then on waits; the report is up to a whole step older than that.
    const filling = Array.from({ length: 20 }, (_, index) => {
      const second = 4 + index;
      const age = ((index % 5) / 4) * STEP;
      return { now: second * SECOND, written: second * STEP - age, waiting: (second - 3) * STEP };
    });
    const full = [24, 25, 26].map((second) => ({ now: second * SECOND, written: 23.5 * STEP, waiting: 20 * STEP }));
    expect(follow([...healthy, ...filling, ...full]).at).toBe(3 * SECOND);
  });

  it('stands still while nothing is written, unless the programme may pause', () => {
    const pause = [1, 2, 3].map((second) => ({ now: second * SECOND, written: STEP, waiting: 0 }));
    expect(follow(pause).at).toBe(SECOND);
    expect(follow(pause, true).at).toBe(3 * SECOND);
  });

  it('is judged by what is written where the system does not tell more', () => {
    expect(follow([1, 2].map((second) => ({ now: second * SECOND, written: second * STEP, waiting: null }))).at).toBe(2 * SECOND);
  });
});
