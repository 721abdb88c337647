import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endUpdate, stateQuery } from '../../workflows/messages.js';
import { until } from '../support/until.js';
import { HOST_ID, OTHER_HOST, WorkflowBench } from './support.js';

let bench: WorkflowBench;
beforeEach(async () => {
  bench = await WorkflowBench.create();
});
afterEach(async () => {
  await bench.close();
});

/** Live at one host, and then published at the other while the first one answers nothing. */
async function takenOver() {
  const { stage } = bench;
  const stream = await bench.start();
  await stream.publish(1);
  const first = await stage.encoder(1);
  await until(() => stage.status === 'live', 'live');
  stage.goneHosts.add(HOST_ID);
  await stream.publish(2, { hostId: OTHER_HOST });
  const second = await stage.encoder(2, { playable: false });
  return { ...stream, first, second };
}

describe('a publisher that comes to another media host', () => {
  it('goes on there with the same broadcast, while the old host answers nothing', async () => {
    const { stage } = bench;
    const { handle, first, second } = await takenOver();
    expect(second.hostId).toBe(OTHER_HOST);
    expect(second.input).toMatchObject({
      epoch: 2,
      broadcastId: first.input.broadcastId,
      publishId: 'pub-2',
      after: null,
      programme: false,
    });
    expect(first.input.fromSequence).toBeUndefined();
    expect(second.input.fromSequence).toBeGreaterThan(0);
    await until(() => stage.status === 'reconnecting', 'reconnecting');
    expect(stage.events.at(-1)?.data).toEqual({ problem: 'host_changed', hostId: OTHER_HOST });
    expect(stage.projections.at(-1)?.broadcast?.hostId).toBe(OTHER_HOST);
    await stage.encoder(2);
    await until(() => stage.status === 'live', 'live again');
    expect(await handle.query(stateQuery)).toMatchObject({ broadcastId: first.input.broadcastId, hostId: OTHER_HOST });
    expect(stage.eventTypes).toEqual(['stream.created', 'stream.connected', 'stream.live', 'stream.reconnecting', 'stream.reconnected']);
  });

  it('ends in the defined order there; the old host is finished when it is back', async () => {
    const { stage } = bench;
    stage.settings.record = true;
    const { handle } = await takenOver();
    await stage.encoder(2);
    await until(() => stage.status === 'live', 'live again');
    await handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] });
    expect((await handle.result()).status).toBe('ended');
    expect(stage.calls).toEqual([
      'transcode 1',
      `transcode 2 at ${OTHER_HOST}`,
      `stopTranscode at ${OTHER_HOST}`,
      `finishPlaylists at ${OTHER_HOST}`,
      `disconnect pub-2 at ${OTHER_HOST}`,
    ]);
    expect(stage.eventTypes.slice(-3)).toEqual(['stream.ending', 'stream.ended', 'recording.ready']);
    stage.goneHosts.clear();
    await until(() => stage.calls.includes(`recordPart ${HOST_ID} 4`), 'the part of the old host');
    expect(stage.calls).toContain('disconnect pub-1');
    expect(stage.calls.indexOf('finishPlaylists')).toBeGreaterThan(stage.calls.indexOf('stopTranscode'));
    expect(stage.calls.filter((call) => call.startsWith('deleteMedia'))).toEqual([]);
  });

  it('without a recording: the segments of both hosts are deleted when their time is over', async () => {
    const { stage } = bench;
    stage.retentionHours = 0.01;
    const { handle, first } = await takenOver();
    stage.goneHosts.clear();
    await stage.encoder(2);
    await until(() => stage.status === 'live', 'live again');
    await handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] });
    await handle.result();
    await until(() => stage.calls.includes(`recordPart ${HOST_ID} 4`), 'the part of the old host');
    await bench.env.sleep('40 seconds');
    const { broadcastId } = first.input;
    for (const call of [`deleteMedia ${broadcastId}`, `deleteMedia ${broadcastId} at ${OTHER_HOST}`]) {
      await until(() => stage.calls.includes(call), call);
    }
  });

  it.each(['gone', 'there'])('takes its restreams along when the old host is %s: they begin again from the new one', async (oldHost) => {
    const { stage } = bench;
    stage.destinations = [{ destinationId: 'one', label: 'ONE', enabled: true, revision: '1' }];
    const stream = await bench.start();
    await stream.publish(1);
    await stage.encoder(1);
    await (await stage.connection('one')).goLive();
    await until(() => stage.restreamEvents('one').at(-1) === 'restream.live', 'the restream to be live');
    if (oldHost === 'gone') stage.goneHosts.add(HOST_ID);
    await stream.publish(2, { hostId: OTHER_HOST });
    const next = await stage.connection('one', 2);
    expect([next.hostId, next.input.attempt]).toEqual([OTHER_HOST, 2]);
    await next.goLive();
    await stage.encoder(2);
    await until(() => stage.restreamEvents('one').at(-1) === 'restream.live', 'the restream to be live again');
    expect(stage.restreamEvents('one')).toEqual([
      'restream.starting',
      'restream.live',
      'restream.retrying',
      'restream.starting',
      'restream.live',
    ]);
    await stream.handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] });
    await stream.handle.result();
    expect(stage.eventTypes.slice(-3)).toEqual(['stream.ending', 'restream.ended', 'stream.ended']);
  });

  it('and back again: numbers only grow, and the host it came from is left in turn', async () => {
    const { stage } = bench;
    const { publish, second } = await takenOver();
    await stage.encoder(2);
    await until(() => stage.status === 'live', 'live again');
    stage.goneHosts.clear();
    await publish(3);
    const third = await stage.encoder(3);
    expect(third.hostId).toBe(HOST_ID);
    expect(third.input).toMatchObject({ epoch: 3, broadcastId: second.input.broadcastId });
    expect(third.input.fromSequence).toBeGreaterThanOrEqual(second.input.fromSequence!);
    await until(() => stage.status === 'live', 'live at the first host');
    await until(() => stage.calls.includes(`disconnect pub-2 at ${OTHER_HOST}`), 'the second host to be left');
  });
});
