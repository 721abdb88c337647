import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { statusOf } from '../../../domain/lifecycle/life.js';
import { orderProblem } from './legal-order.js';
import { type Happening, HOSTS, type WorldSettings } from './happening.js';
import { World } from './world.js';

/** Cases of the main property; every one is a story of up to 40 happenings and its end. */
const CASES = 10_000;
const host = fc.constantFrom(...HOSTS);
const which = fc.nat({ max: 20 });

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      host,
      source: fc.constantFrom(0 as const, 1 as const),
      isTold: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('leave' as const), isTold: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('repeat' as const), which, isAnew: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('freeze' as const, 'thaw' as const), host }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('end' as const, 'operator' as const, 'disable' as const, 'enable' as const, 'delete' as const, 'rotate' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('databaseAway' as const, 'databaseBack' as const, 'continueAsNew' as const) }) },
  { weight: 4, arbitrary: fc.constantFrom({ do: 'playable' as const }, { do: 'playable' as const }, { do: 'dry' as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('encoder' as const),
      reason: fc.constantFrom('source_gone', 'source_unknown', 'host_lost', 'crashed', 'stalled', 'too_slow', 'stopped'),
    }),
  },
  { weight: 14, arbitrary: fc.record({ do: fc.constant('fulfil' as const), which }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(10, 1000, 6000, 20_000, 90_000) }) },
);

const settings: fc.Arbitrary<WorldSettings> = fc.record({
  reusable: fc.boolean(),
  record: fc.boolean(),
  reconnectWindowSeconds: fc.constantFrom(0, 5, 60),
  maxDurationSeconds: fc.constantFrom(60, 43_200),
});

/** What must be true once everything answers again. */
function checkEnd(world: World): void {
  const { life, truth } = world;
  expect(orderProblem(world.events)).toBeNull();
  expect(world.isDone).toBe(true);
  if (world.wasDeleted) expect(life.phase).toBe('purged');
  if (life.phase === 'ended' || life.phase === 'purged') return expect(life.broadcast).toBeNull();
  expect(life.endCause).toBeNull();
  // Whoever sends is seen, and whoever does not is not taken for sending.
  expect(statusOf(life)).toBe(truth ? 'live' : 'idle');
  expect(life.publisher?.publishId).toBe(truth?.publishId);
}

describe('the rules of a stream, whatever happens in whatever order', () => {
  it('never hang, end in the defined order, purge what was deleted, and lose nobody who sends', () => {
    fc.assert(
      fc.property(settings, fc.array(happening, { maxLength: 40, size: 'max' }), (chosen, happenings) => {
        const world = new World(chosen);
        for (const one of happenings) world.happen(one);
        world.calm();
        checkEnd(world);
      }),
      { numRuns: CASES },
    );
  });
});
