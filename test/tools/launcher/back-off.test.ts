import { describe, expect, it } from 'vitest';
import { nextRestart, STEADY_AFTER_MS } from '../../../tools/launcher/supervision/back-off.js';

describe('the pause before a restart', () => {
  it('is short the first time, doubles, and never exceeds ten seconds', () => {
    const delays: number[] = [];
    let failures = 0;
    for (let count = 0; count < 9; count++) {
      const decision = nextRestart(failures, 50);
      failures = decision.failures;
      delays.push(decision.delayMs);
    }
    expect(delays).toEqual([200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000]);
  });

  it('is short again after a steady run', () => {
    expect(nextRestart(7, STEADY_AFTER_MS)).toEqual({ failures: 1, delayMs: 200 });
    expect(nextRestart(7, STEADY_AFTER_MS - 1).failures).toBe(8);
  });
});
