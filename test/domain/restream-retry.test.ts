import { describe, expect, it } from 'vitest';
import { decideRestreamRetry, type RestreamEnding } from '../../domain/restream-retry.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const end = (at: number, code: RestreamEnding['code'], wasLive = false): RestreamEnding => ({ at, code, wasLive });
/** Without jitter. */
const decide = (ends: RestreamEnding[]) => decideRestreamRetry({ ends, now: ends.at(-1)?.at ?? 0, random: 0.5 });

/** A platform that ends every connection in that way: times of the connections' starts, until it is given up. */
function startsOf(ending: (start: number) => RestreamEnding, until: number, random = 0.5) {
  const ends: RestreamEnding[] = [];
  const starts: number[] = [];
  for (let now = 0; now < until;) {
    starts.push(now);
    ends.push(ending(now));
    now = ends.at(-1)!.at;
    const decision = decideRestreamRetry({ ends, now, random });
    if (!decision.retry) return { starts, ...decision, at: now };
    now += decision.delayMs;
  }
  return { starts, retry: true as const };
}

describe('a restream that ended', () => {
  it.each(['destination_refused', 'destination_url_invalid', 'destination_address_forbidden'] as const)(
    'with %s before it was live is not tried again',
    (code) => {
      expect(decide([end(0, code)])).toEqual({ retry: false, code });
    },
  );

  it('unreachable and never live is tried four times within some seconds', () => {
    const { starts, ...given } = startsOf((start) => end(start, 'destination_unreachable'), MINUTE);
    expect(starts).toEqual([0, 1 * SECOND, 3 * SECOND, 7 * SECOND]);
    expect(given).toMatchObject({ retry: false, code: 'destination_unreachable' });
  });

  it('that found its host full is tried again for as long as it takes', () => {
    const { starts, retry } = startsOf((start) => end(start, 'restream_limit'), 30 * MINUTE);
    expect(retry).toBe(true);
    expect(starts.length).toBeGreaterThan(30);
    const ends = [end(0, 'destination_lost', true), end(20 * MINUTE, 'restream_limit')];
    expect(decide(ends)).toMatchObject({ retry: true });
  });

  it('refused after it was live is tried again: platforms hold the old connection for a while', () => {
    expect(decide([end(0, 'destination_lost', true), end(2 * SECOND, 'destination_refused')])).toMatchObject({ retry: true });
  });

  it('after it was live comes back with growing pauses, until the budget is used up', () => {
    const { starts, ...given } = startsOf(
      (start) => (start === 0 ? end(MINUTE, 'destination_lost', true) : end(start, 'destination_unreachable')),
      60 * MINUTE,
    );
    const pauses = starts.slice(1).map((start, index) => start - Math.max(MINUTE, starts[index]!));
    expect(pauses.slice(0, 7).map((pause) => pause / SECOND)).toEqual([1, 2, 4, 8, 16, 30, 30]);
    expect(given).toMatchObject({ retry: false, code: 'destination_gave_up' });
    expect((given as { at: number }).at - MINUTE).toBeGreaterThan(10 * MINUTE);
    expect((given as { at: number }).at - MINUTE).toBeLessThan(11 * MINUTE);
  });

  it('starts its pauses anew once it was live again', () => {
    const down = [end(0, 'destination_lost', true), ...[1, 3, 7, 15].map((at) => end(at * SECOND, 'destination_unreachable'))];
    expect(decide(down)).toEqual({ retry: true, delayMs: 16 * SECOND });
    expect(decide([...down, end(20 * MINUTE, 'destination_wedged', true)])).toEqual({ retry: true, delayMs: SECOND });
  });

  it('by a platform that closes every 20 s is sent at most once a minute after the first few', () => {
    const { starts, retry } = startsOf((start) => end(start + 20 * SECOND, 'destination_lost', true), 30 * MINUTE);
    expect(retry).toBe(true);
    expect(starts.slice(0, 4).map((start) => start / SECOND)).toEqual([0, 21, 42, 63]);
    const pauses = starts.slice(5).map((start, index) => start - starts[index + 4]!);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(MINUTE);
    expect(starts.length).toBeLessThan(30);
  });

  it('by a platform that closes every hour comes back at once each time', () => {
    const { starts } = startsOf((start) => end(start + 60 * MINUTE, 'destination_lost', true), 10 * 60 * MINUTE);
    expect(starts.slice(1).every((start, index) => start - starts[index]! === 60 * MINUTE + SECOND)).toBe(true);
  });

  it('waits up to a fifth longer or shorter, as chance wills', () => {
    const ends = [end(0, 'destination_lost', true)];
    expect(decideRestreamRetry({ ends, now: 0, random: 0 })).toEqual({ retry: true, delayMs: 800 });
    expect(decideRestreamRetry({ ends, now: 0, random: 1 })).toEqual({ retry: true, delayMs: 1200 });
  });
});
