import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { continueAsNewSignal, endUpdate, streamHealthSignal } from '../../workflows/messages.js';
import { until } from '../support/until.js';
import { SOURCE, WorkflowBench } from './support.js';

let bench: WorkflowBench;
beforeEach(async () => {
  bench = await WorkflowBench.create();
});
afterEach(async () => {
  await bench.close();
});

const liveStream = () => bench.live();

describe('an encoder that is too slow', () => {
  const tooSlow = { reason: 'too_slow', detail: '', mediaSeconds: 30, pace: { speed: 0.5, behindSeconds: 12 } } as const;

  it('is started again without its largest picture, as often as it takes, and that is no failure of it', async () => {
    const { stage } = bench;
    const { encoder } = await liveStream();
    encoder.finish(tooSlow);
    const second = await stage.encoder(2);
    expect(second.input).toMatchObject({ epoch: 2, without: ['720p'], after: { epoch: 1, mediaSeconds: 30 } });
    await until(() => stage.eventTypes.includes('stream.health'), 'the health event');
    expect(stage.events.at(-1)?.data).toEqual({
      problem: 'encoder_too_slow',
      droppedRendition: '720p',
      renditions: ['480p', '240p', 'audio'],
      speed: 0.5,
      behindSeconds: 12,
    });
    expect(stage.projections.at(-1)?.broadcast?.renditions.map(({ id }) => id)).toEqual(['480p', '240p', 'audio']);
    second.finish(tooSlow);
    expect((await stage.encoder(3)).input.without).toEqual(['720p', '480p']);
    expect(stage.status).toBe('live');
  });

  it('leaves its mark for the rest of the broadcast: after a crash, a reconnect and in the next run', async () => {
    const { stage } = bench;
    const { encoder, publisher, handle, publish, unpublish } = await liveStream();
    encoder.finish(tooSlow);
    (await stage.encoder(2)).finish({ reason: 'crashed', detail: '', mediaSeconds: 3 });
    const third = await stage.encoder(3);
    await until(() => stage.eventTypes.filter((type) => type === 'stream.health').length === 2, 'both to be told');
    await handle.signal(continueAsNewSignal);
    expect((await stage.encoder(4)).input).toEqual(third.input);
    await unpublish(publisher);
    await until(() => stage.status === 'reconnecting', 'reconnecting');
    expect((await stage.encoder(5)).input).toMatchObject({ programme: true, without: ['720p'] });
    await publish(2, { source: { ...SOURCE, audio: null } });
    expect((await stage.encoder(6)).input.without).toEqual(['720p']);
  });
});

describe('health of what goes on beside a broadcast', () => {
  const health = (eventId: string, broadcastId: string | null) => ({ eventId, broadcastId, problem: 'disk_full', data: { freeMib: 3 } });

  it('is in the timeline once, and not when it is of another broadcast, or of none', async () => {
    const { stage } = bench;
    const { encoder, handle } = await liveStream();
    for (const [id, broadcastId] of [
      ['a', null],
      ['a', null],
      ['b', encoder.input.broadcastId],
      ['c', 'brd_other'],
    ] as const) {
      await handle.signal(streamHealthSignal, health(id, broadcastId));
    }
    await handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] });
    await handle.result();
    const told = stage.events.filter(({ type }) => type === 'stream.health').map(({ data }) => data);
    expect(told).toEqual([
      { problem: 'disk_full', freeMib: 3 },
      { problem: 'disk_full', freeMib: 3 },
    ]);
    expect(stage.status).toBe('ended');
  });
});
