import { describe, expect, it } from 'vitest';
import { newLife, type StreamLife } from '../../../domain/lifecycle/life.js';
import { next } from '../../../domain/lifecycle/next.js';
import { obligationsOf } from '../../../domain/lifecycle/obligations.js';

const moment = { now: 1_700_000_000_000, newId: () => 'id' };
const refusal = (index: number) =>
  ({ eventId: `refused-${index}`, code: 'host_full', message: 'No.', remoteAddress: '192.0.2.1:5000' }) as const;
const disabled = (life: StreamLife, times: number): StreamLife =>
  Array.from({ length: times }).reduce<StreamLife>(
    (so, _none, index) => next(so, { kind: index % 2 ? 'enabled' : 'disabled' }, moment),
    life,
  );

const written = (life: StreamLife) => obligationsOf(life).filter((obligation) => obligation.kind === 'record');

describe('what is to be written to Postgres', () => {
  it('goes there in pieces that one activity can write, oldest first, one at a time', () => {
    let life = disabled(newLife('str_1'), 250);
    const sizes: number[] = [];
    for (let [piece] = written(life); piece; [piece] = written(life)) {
      expect(written(life)).toHaveLength(1);
      expect(piece.projections[0]!.version).toBe(sizes.reduce((sum, size) => sum + size, 1));
      sizes.push(piece.projections.length);
      life = next(life, { kind: 'recorded', count: piece.projections.length }, moment);
    }
    expect(sizes).toEqual([100, 100, 50]);
  });

  it('grows by one event for the same refusal, however often it comes while Postgres is away', () => {
    const refused = (life: StreamLife, index: number) => next(life, { kind: 'publishRefused', refused: refusal(index) }, moment);
    const full = disabled(newLife('str_1'), 100);
    const life = Array.from({ length: 50 }, (_none, index) => index).reduce(refused, full);
    expect(life.outbox).toHaveLength(101);
    expect(life.outbox.at(-1)?.events[0]?.data).toMatchObject({ code: 'host_full', repeated: 49 });
  });
});
