import { describe, expect, it } from 'vitest';
import {
  DRAIN_LIMIT_MS,
  isDryFor,
  judgeEncoder,
  STALL_LIMIT_MS,
  START_LIMIT_MS,
  UNANSWERED_LIMIT_MS,
  type EncoderReading,
} from '../../domain/liveness.js';
import { decideRestart, MAX_RESTARTS, RESTART_WINDOW_MS } from '../../domain/restart-policy.js';

const reading = (overrides: Partial<EncoderReading>): EncoderReading => ({
  running: true,
  mediaSeconds: 10,
  stalledMs: 0,
  publisher: 'sending',
  sendingMs: 60_000,
  originAnswers: true,
  ...overrides,
});

describe('an encoder that nobody can blame', () => {
  it.each<[string, Partial<EncoderReading>, boolean | null]>([
    ['delivers', {}, false],
    ['delivers nothing while its ingest answers nothing', { stalledMs: STALL_LIMIT_MS + 1, publisher: null }, true],
    ['delivers nothing because its publisher does not', { stalledMs: STALL_LIMIT_MS + 1, publisher: 'silent' }, null],
    ['has not begun', { mediaSeconds: 0, stalledMs: STALL_LIMIT_MS + 1, publisher: null }, null],
    ['may deliver to an origin that does not answer', { stalledMs: STALL_LIMIT_MS + 1, publisher: null, originAnswers: false }, null],
  ])('%s', (_name, overrides, dry) => {
    expect(isDryFor(reading(overrides))).toBe(dry);
  });
});

describe('an encoder', () => {
  it.each<[string, Partial<EncoderReading>, string]>([
    ['that runs and delivers is healthy', {}, 'healthy'],
    ['that ended while its publisher sends has crashed', { running: false }, 'crashed'],
    ['that ended while its publisher is silent has crashed', { running: false, publisher: 'silent' }, 'crashed'],
    ['that ended after its publisher left ran out of input', { running: false, publisher: 'gone' }, 'source_gone'],
    ['that ended with the ingest away says nothing of its publisher', { running: false, publisher: null }, 'source_unknown'],
    ['that delivers nothing although its publisher sends is stalled', { stalledMs: STALL_LIMIT_MS + 1 }, 'stalled'],
    ['that has not delivered anything yet may take longer', { mediaSeconds: 0, stalledMs: START_LIMIT_MS }, 'healthy'],
    ['that never delivers anything is stalled', { mediaSeconds: 0, stalledMs: START_LIMIT_MS + 1 }, 'stalled'],
    ['whose publisher sends again since a moment is healthy', { stalledMs: 60_000, sendingMs: STALL_LIMIT_MS }, 'healthy'],
    ['is not blamed at once for an origin that does not answer', { originAnswers: false, stalledMs: UNANSWERED_LIMIT_MS }, 'healthy'],
    ['whose origin is away for long is started anew', { originAnswers: false, stalledMs: UNANSWERED_LIMIT_MS + 1 }, 'stalled'],
    ['that delivers nothing because its publisher is silent is healthy', { stalledMs: STALL_LIMIT_MS + 1, publisher: 'silent' }, 'healthy'],
    ['that delivers nothing while the ingest is away is left alone', { stalledMs: STALL_LIMIT_MS + 1, publisher: null }, 'healthy'],
    ['that still drains after its publisher left is healthy', { publisher: 'gone', stalledMs: DRAIN_LIMIT_MS }, 'healthy'],
    ['that hangs after its publisher left is over', { publisher: 'gone', stalledMs: DRAIN_LIMIT_MS + 1 }, 'source_gone'],
  ])('%s', (_name, overrides, verdict) => {
    expect(judgeEncoder(reading(overrides))).toBe(verdict);
  });
});

describe('encoder restarts', () => {
  it('begin at once and slow down', () => {
    const delays = [1, 2, 3].map((count) =>
      decideRestart(
        Array.from({ length: count }, () => 1000),
        true,
      ),
    );
    expect(delays).toEqual([
      { restart: true, delayMs: 0 },
      { restart: true, delayMs: 500 },
      { restart: true, delayMs: 1000 },
    ]);
  });

  it('stop when too many fall into one window', () => {
    const failures = Array.from({ length: MAX_RESTARTS + 1 }, () => 1000);
    expect(decideRestart(failures, true)).toEqual({ restart: false });
  });

  it('stop earlier when nothing was ever playable', () => {
    expect(decideRestart([1, 2, 3], false)).toEqual({ restart: false });
    expect(decideRestart([1, 2], false)).toMatchObject({ restart: true });
  });

  it('forget failures older than the window', () => {
    const old = Array.from({ length: MAX_RESTARTS + 5 }, () => 0);
    expect(decideRestart([...old, RESTART_WINDOW_MS + 1], true)).toEqual({ restart: true, delayMs: 0 });
  });
});
