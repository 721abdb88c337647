import { describe, expect, test } from 'vitest';
import { wallOfZeroMs, type RunDate } from '../../origin/packager/active-run.js';

const NOON = Date.UTC(2027, 0, 1, 12);
/** ffmpeg's output begins at 10 s; it came out of the encoder at noon. */
const STARTED = { mediaSeconds: 10, wallMs: NOON };
const run = (rest: Partial<RunDate>): RunDate => ({ mediaSeconds: 10, notBeforeMs: 0, started: STARTED, receivedAt: undefined, ...rest });

describe('the first frame of an encoder is dated', () => {
  test.each<[string, Partial<RunDate>, number]>([
    ['by its arrival at the ingest', { receivedAt: NOON - 1400 }, NOON - 1400],
    ['by its arrival at the origin when the ingest does not know', {}, NOON],
    ['never later than that', { receivedAt: NOON + 500 }, NOON],
    ['the same when a later one is listed first', { receivedAt: NOON - 1400, mediaSeconds: 12 }, NOON - 1400],
    ['after the end of what is listed', { receivedAt: NOON - 1400, notBeforeMs: NOON - 300 }, NOON - 300],
    [
      'so that what is listed first is after that end',
      { receivedAt: NOON - 1400, mediaSeconds: 12, notBeforeMs: NOON + 1000 },
      NOON - 1000,
    ],
    ['as it came in, whatever was listed long before', { receivedAt: NOON - 1400, notBeforeMs: NOON - 60_000 }, NOON - 1400],
  ])('%s', (_name, rest, expected) => {
    expect(wallOfZeroMs(run(rest)) + STARTED.mediaSeconds * 1000).toBe(expected);
  });
});
