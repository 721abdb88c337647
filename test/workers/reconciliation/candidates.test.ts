import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { STREAM_STATUSES } from '../../../domain/stream.js';
import { candidates, type StatedStream } from '../../../workers/reconciliation/candidates.js';

const stream = (streamId: string, status: StatedStream['status']): StatedStream => ({ streamId, status });
const ask = (listed: StatedStream[], shown: StatedStream[], limit = 10, round = 0) => candidates({ listed, shown, limit, round });

describe('whose workflow is asked', () => {
  it.each<[string, StatedStream[], StatedStream[], string[]]>([
    ['a busy stream, that a lost write is noticed', [stream('a', 'live')], [stream('a', 'live')], ['a']],
    ['one that Postgres shows otherwise', [stream('a', 'live')], [stream('a', 'idle')], ['a']],
    ['one that only Postgres calls busy', [], [stream('a', 'live')], ['a']],
    ['one that has ended while its row is idle', [stream('a', 'ended')], [stream('a', 'idle')], ['a']],
    ['none that has ended and is shown so', [stream('a', 'ended')], [stream('a', 'ended')], []],
    ['none without a row', [stream('a', 'live')], [], []],
    ['first those that differ', [stream('a', 'live'), stream('b', 'live')], [stream('a', 'live'), stream('b', 'idle')], ['b', 'a']],
  ])('is %s', (_name, listed, shown, expected) => {
    expect(ask(listed, shown)).toEqual(expected);
  });

  const streams = fc.uniqueArray(fc.record({ streamId: fc.string(), status: fc.constantFrom(...STREAM_STATUSES) }), {
    selector: ({ streamId }) => streamId,
    maxLength: 40,
  });

  it('are never more than may be, none twice, and only streams that have a row', () => {
    fc.assert(
      fc.property(streams, streams, fc.nat(20), fc.nat(1000), (listed, shown, limit, round) => {
        const asked = candidates({ listed, shown, limit, round });
        expect(asked.length).toBeLessThanOrEqual(limit);
        expect(new Set(asked).size).toBe(asked.length);
        expect(shown.map(({ streamId }) => streamId)).toEqual(expect.arrayContaining(asked));
      }),
    );
  });

  it('are all in their turn, where there are more than may be asked at once', () => {
    const live = Array.from({ length: 25 }, (_, number) => stream(`str_${number}`, 'live'));
    const rounds = [0, 1, 2].flatMap((round) => ask(live, live, 10, round));
    expect(new Set(rounds).size).toBe(25);
  });
});
