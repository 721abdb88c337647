import { describe, expect, test } from 'vitest';
import { StoreHealth } from '../../domain/store-health.js';

const SECOND = 1000;
/** What is told at each look: [seconds, since when nothing is stored (s) or null, what is told]. */
type Look = [at: number, unstoredSince: number | null, told: string | null];

describe('of a disk the timeline is told', () => {
  test.each<[string, Look[]]>([
    [
      'nothing while it takes segments',
      [
        [0, null, null],
        [100, null, null],
      ],
    ],
    [
      'once that it does not',
      [
        [0, null, null],
        [2, 1, 'segments_not_stored 1'],
        [4, 1, null],
        [90, 1, null],
      ],
    ],
    [
      'that it does again when that has lasted',
      [
        [2, 1, 'segments_not_stored 1'],
        [4, null, null],
        [33, null, null],
        [34, null, 'segments_stored_again 1'],
        [36, null, null],
      ],
    ],
    [
      'nothing of a segment that it took now and then',
      [
        [2, 1, 'segments_not_stored 1'],
        [4, null, null],
        [6, 5, null],
        [30, null, null],
        [35, null, null],
        [60, null, 'segments_stored_again 1'],
      ],
    ],
    [
      'of each time by itself',
      [
        [2, 1, 'segments_not_stored 1'],
        [4, null, null],
        [34, null, 'segments_stored_again 1'],
        [40, 39, 'segments_not_stored 39'],
      ],
    ],
  ])('%s', (_name, looks) => {
    const health = new StoreHealth();
    for (const [at, since, told] of looks) {
      const news = health.take(since === null ? null : since * SECOND, at * SECOND);
      expect(news && `${news.problem} ${news.since / SECOND}`, `at ${at} s`).toBe(told);
    }
  });
});
