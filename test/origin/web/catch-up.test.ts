import { describe, expect, it } from 'vitest';
import { chooseRate, stalledTarget } from '../../../origin/web/catch-up.js';

const steady = { latency: 0.64, target: 0.64, lowestAhead: 0.4, range: 3, onPurpose: false, rate: 1 };

describe('the playback rate', () => {
  it.each([
    ['at its distance it is 1', {}, 1],
    ['a little behind it stays 1', { latency: 0.73 }, 1],
    ['a little behind while hurrying it goes on', { latency: 0.73, rate: 1.05 }, 1.05],
    ['hurrying ends at the distance', { latency: 0.65, rate: 1.05 }, 1],
    ['further behind it hurries', { latency: 0.8 }, 1.1],
    ['the further, the faster', { latency: 1.04 }, 1.2],
    ['but never above a quarter', { latency: 2.5 }, 1.25],
    ['it does not hurry with little ahead', { latency: 1.04, lowestAhead: 0.2 }, 1],
    ['a hurry ends when little is ahead', { latency: 1.04, lowestAhead: 0.2, rate: 1.2 }, 1],
    ['nearer than wanted it stays 1 while enough is ahead', { latency: 0.4, lowestAhead: 0.2 }, 1],
    ['nearer than wanted with next to nothing ahead it slows', { latency: 0.4, lowestAhead: 0.1 }, 0.95],
    ['much nearer than wanted it slows, whatever is ahead', { latency: 0.3, lowestAhead: 0.3 }, 0.95],
    ['and goes on slowly until there is enough', { latency: 0.5, lowestAhead: 0.2, rate: 0.95 }, 0.95],
    ['then it is 1 again', { latency: 0.5, lowestAhead: 0.3, rate: 0.95 }, 1],
    ['at its distance it does not slow, whatever is ahead', { latency: 0.66, lowestAhead: 0, rate: 0.95 }, 1],
    ['a viewer who went back in time is left alone', { latency: 30, onPurpose: true }, 1],
    ['one whom the network held up is brought back from anywhere', { latency: 30 }, 1.25],
  ])('%s', (_name, now, rate) => {
    expect(chooseRate({ ...steady, ...now })).toBeCloseTo(rate, 9);
  });

  it('comes to rest at the distance from anywhere within range', () => {
    const LOOK_SECONDS = 0.25;
    for (const start of [0.7, 1, 2, 3.5]) {
      let [latency, rate, changes] = [start, 1, 0];
      for (let look = 0; look < 120; look++) {
        const next = chooseRate({ latency, target: 0.64, lowestAhead: latency - 0.24, range: 3, onPurpose: false, rate });
        changes += Number(next !== rate);
        rate = next;
        latency -= (rate - 1) * LOOK_SECONDS;
      }
      expect(Math.abs(latency - 0.64)).toBeLessThanOrEqual(0.1);
      expect(rate).toBe(1);
      expect(changes).toBeLessThanOrEqual(6);
    }
  });
});

it('every stall moves the distance by a part, within a limit', () => {
  expect([0, 1, 3, 50].map((stalls) => stalledTarget(1, stalls, 0.25, 2))).toEqual([1, 1.25, 1.75, 3]);
});
