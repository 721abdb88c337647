import { afterEach, describe, expect, test } from 'vitest';
import { HeldRequests } from '../../origin/held-requests.js';
import { until } from '../support/until.js';

const TOPIC = 'broadcast/720p';
/** Above what is answered in one go. */
const CROWD = 5500;

let held: HeldRequests;
afterEach(() => held.close());

function hold(count: number): { answered: number[]; drops: (() => boolean)[]; list: () => void } {
  held = new HeldRequests();
  const answered: number[] = [];
  let listed = false;
  const drops = Array.from({ length: count }, (_waiting, index) =>
    held.hold(
      { topic: TOPIC, goal: '7/1', isDue: () => listed },
      { answer: () => void answered.push(index), giveUp: () => undefined, limitMs: 60_000 },
    ),
  );
  return { answered, drops, list: () => void (listed = true) };
}

describe('held requests', () => {
  test('are answered in the order of their coming, thousands of them before anything else is looked at', () => {
    const { answered, list } = hold(1000);
    held.wake(TOPIC);
    expect(answered).toEqual([]);
    list();
    held.wake('broadcast/audio');
    expect(answered).toEqual([]);
    held.wake(TOPIC);
    expect(answered).toEqual(Array.from({ length: 1000 }, (_waiting, index) => index));
    expect(held.size).toBe(0);
  });

  test('of a larger crowd are answered in several goes; whoever leaves in between is left out', async () => {
    const { answered, drops, list } = hold(CROWD);
    list();
    held.wake(TOPIC);
    expect(answered.length).toBeLessThan(CROWD);
    expect(drops[0]!()).toBe(false);
    expect(drops[CROWD - 1]!()).toBe(true);
    await until(() => answered.length === CROWD - 1, 'all others to be answered');
    expect(answered.at(-1)).toBe(CROWD - 2);
  });
});
