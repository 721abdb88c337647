import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { continueAsNewSignal, destinationUpdate, endUpdate, stateQuery } from '../../workflows/messages.js';
import { until } from '../support/until.js';
import { WorkflowBench } from './support.js';

let bench: WorkflowBench;
beforeEach(async () => {
  bench = await WorkflowBench.create();
});
afterEach(async () => {
  await bench.close();
});

const runIdOf = async (workflowId: string): Promise<string> => (await bench.env.client.workflow.getHandle(workflowId).describe()).runId;

describe('a broadcast whose history has become long goes on in a new run', () => {
  it('with the same encoder, the same numbers, and the rest of its time', async () => {
    const { stage } = bench;
    stage.settings.maxDurationSeconds = 20;
    const { handle, publish, unpublish } = await bench.start();
    const publisher = await publish(1);
    const { input } = await stage.encoder(1);
    await until(() => stage.status === 'live', 'live');
    const firstRun = await runIdOf(handle.workflowId);
    await handle.signal(continueAsNewSignal);
    const adopted = await stage.encoder(2);
    expect(await runIdOf(handle.workflowId)).not.toBe(firstRun);
    expect(adopted.input).toEqual(input);
    expect(stage.calls).toEqual(['transcode 1', 'transcode 1']);
    expect(await handle.query(stateQuery)).toMatchObject({ status: 'live', broadcastId: input.broadcastId });

    await unpublish(publisher);
    await until(() => stage.status === 'reconnecting', 'reconnecting');
    await publish(2);
    expect((await stage.encoder(3)).input).toMatchObject({ epoch: 2, broadcastId: input.broadcastId, after: null });
    await until(() => stage.status === 'live', 'live again');
    expect((await handle.result()).status).toBe('ended');
    expect(stage.eventTypes).toEqual([
      'stream.created',
      'stream.connected',
      'stream.live',
      'stream.reconnecting',
      'stream.reconnected',
      'stream.ending',
      'stream.ended',
    ]);
    expect(stage.events.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(stage.events.at(-1)?.cause).toBe('max_duration');
  });

  it('and its restreams with it: none is started again, and each is still heard and ended', async () => {
    const { stage } = bench;
    stage.destinations = [{ destinationId: 'one', label: 'ONE', enabled: true, revision: '1' }];
    const { handle, publish } = await bench.start();
    await publish(1);
    await stage.encoder(1);
    const first = await stage.connection('one');
    await first.goLive();
    await until(() => stage.restreamEvents('one').at(-1) === 'restream.live', 'the restream to be live');
    await handle.signal(continueAsNewSignal);
    await stage.encoder(2);
    expect(stage.connections).toHaveLength(1);

    first.finish({ code: 'destination_lost', detail: 'closed', wasLive: true, bytesSent: 1000 });
    await until(() => stage.restreamEvents('one').at(-1) === 'restream.retrying', 'the loss to be told');
    await handle.executeUpdate(destinationUpdate, { args: [{ destinationId: 'one', command: 'retry' }] });
    await (await stage.connection('one', 2)).goLive();
    await until(() => stage.restreamEvents('one').at(-1) === 'restream.live', 'the restream to be live again');
    await handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] });
    await handle.result();
    expect(stage.eventTypes.slice(-3)).toEqual(['stream.ending', 'restream.ended', 'stream.ended']);
    const states = stage.projections.flatMap(({ restreams }) => restreams ?? []);
    expect(states.at(-1)).toMatchObject({ destinationId: 'one', status: 'ended', lastError: null });
  });

  it('only when nothing is in the middle of something', async () => {
    const { stage } = bench;
    const { handle, publish } = await bench.start();
    await publish(1);
    const encoder = await stage.encoder(1, { playable: false });
    const firstRun = await runIdOf(handle.workflowId);
    await handle.signal(continueAsNewSignal);
    expect((await handle.query(stateQuery)).status).toBe('connecting');
    expect(await runIdOf(handle.workflowId)).toBe(firstRun);
    await encoder.becomePlayable();
    await stage.encoder(2);
    expect(await runIdOf(handle.workflowId)).not.toBe(firstRun);
    expect(stage.eventTypes).toEqual(['stream.created', 'stream.connected', 'stream.live']);
  });
});
