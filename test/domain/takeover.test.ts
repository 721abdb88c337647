import { expect, it } from 'vitest';
import { firstSequenceAfter } from '../../domain/takeover.js';

const HOUR_MS = 3_600_000;
/** The shortest regular segment is half a second. */
const SHORTEST_MS = 500;

it.each([0, 1, 999, 1000, 60_000, HOUR_MS, 7 * 24 * HOUR_MS])('after %i ms no host before can have used the number', (elapsedMs) => {
  expect(firstSequenceAfter(elapsedMs)).toBeGreaterThan(elapsedMs / SHORTEST_MS);
});

it('the next host begins above what the present one can have reached by then', () => {
  for (const stayMs of [1000, 60_000, HOUR_MS]) {
    const came = firstSequenceAfter(HOUR_MS);
    expect(firstSequenceAfter(HOUR_MS + stayMs)).toBeGreaterThan(came + stayMs / SHORTEST_MS);
  }
});

it('the numbers of a week stay well within what the names of files have room for', () => {
  const NINE_DIGITS = 999_999_999;
  expect(firstSequenceAfter(7 * 24 * HOUR_MS)).toBeLessThan(NINE_DIGITS / 100);
});
