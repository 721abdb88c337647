import { expect, test } from 'vitest';
import { judgeLoad } from '../../../origin/web/slow-network.js';

const PART = 125_000;
const NEEDED = 3_000_000;

test.each<[string, number, { bytes: number; ms: number }, ReturnType<typeof judgeLoad>]>([
  ['as fast as the rendition needs', 1, { bytes: PART, ms: 333 }, { slow: 0, estimate: null }],
  ['too slow once', 0, { bytes: PART, ms: 500 }, { slow: 1, estimate: null }],
  ['too slow again', 1, { bytes: PART, ms: 500 }, { slow: 0, estimate: 2_000_000 }],
  ['too small to say anything', 1, { bytes: 4000, ms: 500 }, { slow: 1, estimate: null }],
  ['in no time', 1, { bytes: PART, ms: 0 }, { slow: 1, estimate: null }],
])('a load that was %s', (_name, slow, load, expected) => {
  expect(judgeLoad(slow, { ...load, needed: NEEDED })).toEqual(expected);
});

test('a fast load in between is the network as well: only slow ones in a row count', () => {
  const loads = [500, 100, 500, 100, 500, 500];
  const estimates: (number | null)[] = [];
  let slow = 0;
  for (const ms of loads) {
    const judged = judgeLoad(slow, { bytes: PART, ms, needed: NEEDED });
    slow = judged.slow;
    estimates.push(judged.estimate);
  }
  expect(estimates).toEqual([null, null, null, null, null, 2_000_000]);
});
