import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DestinationSummary } from '../../domain/contracts/destinations.js';
import { restreamWorkflowId, STREAMS_QUEUE } from '../../domain/task-queues.js';
import { destinationUpdate, endUpdate, type DestinationCommand } from '../../workflows/messages.js';
import { until } from '../support/until.js';
import { WorkflowBench, type StagedConnection } from './support.js';

let bench: WorkflowBench;
beforeEach(async () => {
  bench = await WorkflowBench.create();
});
afterEach(async () => {
  await bench.close();
});

const destination = (destinationId: string, overrides: Partial<DestinationSummary> = {}): DestinationSummary => ({
  destinationId,
  label: destinationId.toUpperCase(),
  enabled: true,
  revision: '1',
  ...overrides,
});
const refused = { code: 'destination_refused', detail: 'BadName', wasLive: false, bytesSent: 0 } as const;
const lost = { code: 'destination_lost', detail: 'closed', wasLive: true, bytesSent: 1000 } as const;

const liveStream = async (...destinations: DestinationSummary[]) => {
  bench.stage.destinations = destinations;
  const stream = await bench.start();
  await stream.publish(1);
  await bench.stage.encoder(1);
  await until(() => bench.stage.status === 'live', 'live');
  const command = (value: DestinationCommand) => stream.handle.executeUpdate(destinationUpdate, { args: [value] });
  return { ...stream, command };
};
const events = (id: string) => bench.stage.restreamEvents(id);
const eventually = (id: string, type: string) => until(() => events(id).at(-1) === type, `${type} of ${id}`);
const connectLive = async (id: string, number = 1): Promise<StagedConnection> => {
  const connection = await bench.stage.connection(id, number);
  await connection.goLive();
  await eventually(id, 'restream.live');
  return connection;
};
const stateOf = (id: string) =>
  bench.stage.projections
    .flatMap(({ restreams }) => restreams ?? [])
    .filter(({ destinationId }) => destinationId === id)
    .at(-1);

describe('destinations of a stream that goes live', () => {
  it('are connected if they are enabled, each by itself', async () => {
    await liveStream(destination('one'), destination('two'), destination('off', { enabled: false }));
    await connectLive('one');
    await connectLive('two');
    expect(bench.stage.connections.map(({ input }) => input.destinationId).sort()).toEqual(['one', 'two']);
    expect(events('one')).toEqual(['restream.starting', 'restream.live']);
    expect(stateOf('one')).toMatchObject({ status: 'live', attempts: 1, lastError: null });
    expect(stateOf('one')?.startedAt).not.toBeNull();
  });

  it('that refuse fail with the reason and are not tried again, and touch no other', async () => {
    await liveStream(destination('good'), destination('bad'));
    await connectLive('good');
    (await bench.stage.connection('bad')).finish(refused);
    await eventually('bad', 'restream.failed');
    expect(stateOf('bad')).toMatchObject({ status: 'failed', attempts: 1, lastError: { code: 'destination_refused', message: 'BadName' } });
    await bench.env.sleep('5 seconds');
    expect(bench.stage.connections.filter(({ input }) => input.destinationId === 'bad')).toHaveLength(1);
    expect(events('good')).toEqual(['restream.starting', 'restream.live']);
  });

  it('that are lost are tried again, and say when', async () => {
    await liveStream(destination('one'));
    (await connectLive('one')).finish(lost);
    await eventually('one', 'restream.retrying');
    const state = stateOf('one');
    expect(Date.parse(state!.nextAttemptAt!)).toBeGreaterThan(0);
    await bench.env.sleep('5 seconds');
    await connectLive('one', 2);
    expect(stateOf('one')).toMatchObject({ status: 'live', attempts: 2, nextAttemptAt: null, lastError: null });
  });
});

describe('an owner', () => {
  it('retries a failed destination by hand', async () => {
    const { command } = await liveStream(destination('bad'));
    (await bench.stage.connection('bad')).finish(refused);
    await eventually('bad', 'restream.failed');
    await command({ destinationId: 'bad', command: 'retry' });
    await connectLive('bad', 2);
    expect(events('bad')).toEqual(['restream.starting', 'restream.failed', 'restream.starting', 'restream.live']);
  });

  it('adds, stops and starts destinations while others go on', async () => {
    const { command } = await liveStream(destination('one'));
    await connectLive('one');
    bench.stage.destinations.push(destination('late', { enabled: false }));
    await command({ destinationId: 'late', command: 'start' });
    await connectLive('late');
    await command({ destinationId: 'late', command: 'stop' });
    await eventually('late', 'restream.ended');
    await command({ destinationId: 'late', command: 'start' });
    const again = await connectLive('late', 2);
    expect(again.input.attempt).toBe(2);
    expect(events('one')).toEqual(['restream.starting', 'restream.live']);
  });

  it('changes a destination: only if it goes elsewhere it is started again', async () => {
    const { command } = await liveStream(destination('one'));
    await connectLive('one');
    bench.stage.destinations = [destination('one', { label: 'Another name' })];
    await command({ destinationId: 'one', command: 'changed' });
    expect(bench.stage.connections).toHaveLength(1);
    bench.stage.destinations = [destination('one', { revision: '2' })];
    await command({ destinationId: 'one', command: 'changed' });
    await connectLive('one', 2);
    expect(events('one')).toEqual(['restream.starting', 'restream.live', 'restream.ended', 'restream.starting', 'restream.live']);
  });

  it('is told when nothing can be sent', async () => {
    const { handle } = await bench.start();
    const update = (value: DestinationCommand) => handle.executeUpdate(destinationUpdate, { args: [value] });
    await expect(update({ destinationId: 'one', command: 'start' })).rejects.toMatchObject({ cause: { type: 'stream_not_live' } });
    expect(await update({ destinationId: 'one', command: 'removed' })).toBeNull();
  });
});

describe('an encoder that comes back', () => {
  const HEVC = { video: { codec: 'hevc', width: 1280, height: 720, frameRate: 30 }, audio: null } as const;

  it('with a format the connection cannot carry is sent over a new one, and the timeline says why', async () => {
    const { publish, command } = await liveStream(destination('one'));
    await connectLive('one');
    await publish(2, { source: HEVC });
    const again = await connectLive('one', 2);
    expect(again.input).toMatchObject({ attempt: 2, source: HEVC });
    expect(bench.stage.calls).toContain('stopRestream one');
    expect(events('one')).toEqual(['restream.starting', 'restream.live', 'restream.retrying', 'restream.starting', 'restream.live']);
    const retrying = bench.stage.events.find(({ type }) => type === 'restream.retrying');
    expect(retrying?.data).toMatchObject({ lastError: { code: 'restream_source_changed' } });
    bench.stage.destinations.push(destination('late', { enabled: false }));
    await command({ destinationId: 'late', command: 'start' });
    expect((await bench.stage.connection('late')).input.source).toEqual(HEVC);
  });

  it('with another format is not waited for when the programme ended first', async () => {
    const { publish } = await liveStream(destination('one'));
    (await connectLive('one')).finish({ code: 'restream_source_lost', detail: 'interrupted', wasLive: true, bytesSent: 1 });
    await publish(2, { source: HEVC });
    await until(
      async () => (await bench.stage.connection('one', bench.stage.connections.length)).input.source.video?.codec === 'hevc',
      'the new format',
    );
  });

  it('with a format the connection can carry changes nothing', async () => {
    const { publish } = await liveStream(destination('one'));
    await connectLive('one');
    const other = { video: { codec: 'h264', width: 640, height: 360, frameRate: 30 }, audio: null } as const;
    await publish(2, { source: other });
    await until(() => bench.stage.calls.includes('checkRestreamFormat one'), 'the question');
    await bench.stage.encoder(2, { playable: false });
    expect(bench.stage.connections).toHaveLength(1);
    expect(events('one')).toEqual(['restream.starting', 'restream.live']);
  });
});

describe('a restream whose predecessor is still closing', () => {
  it('is started when that is over, and nothing of the stream is held up meanwhile', async () => {
    const { stage, client } = bench;
    stage.destinations = [destination('one')];
    const stream = await bench.start();
    await stream.publish(1);
    const encoder = await stage.encoder(1, { playable: false });
    // Anything that has its place: its worker was killed in the moment it closed.
    const closing = await client.workflow.start('retentionWorkflow', {
      taskQueue: STREAMS_QUEUE,
      workflowId: restreamWorkflowId(encoder.input.broadcastId, 'one'),
      args: [{ broadcastId: 'brd_none', hostId: 'none', afterMs: 3_600_000 }],
    });
    await encoder.becomePlayable();
    await until(() => stage.status === 'live', 'live');
    const { events: seen } = await until(async () => {
      const history = await stream.handle.fetchHistory();
      return history.events?.some((event) => event.startChildWorkflowExecutionFailedEventAttributes) ? history : null;
    }, 'the start to fail');
    expect(seen?.length).toBeGreaterThan(0);
    await closing.terminate();
    await (await stage.connection('one')).goLive();
    await eventually('one', 'restream.live');
    await stream.handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] });
    await stream.handle.result();
    expect(stage.eventTypes.slice(-3)).toEqual(['stream.ending', 'restream.ended', 'stream.ended']);
  });
});

describe('the end handshake', () => {
  it('closes every restream, in whatever state, before the stream is ended', async () => {
    const { handle } = await liveStream(destination('live'), destination('retrying'), destination('failed'), destination('starting'));
    await connectLive('live');
    (await connectLive('retrying')).finish(lost);
    (await bench.stage.connection('failed')).finish(refused);
    await eventually('retrying', 'restream.retrying');
    await eventually('failed', 'restream.failed');
    await handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] });
    await handle.result();
    const types = bench.stage.eventTypes;
    const endings = types.slice(types.indexOf('stream.ending'));
    expect(endings).toEqual(['stream.ending', 'restream.ended', 'restream.ended', 'restream.ended', 'stream.ended']);
    expect(events('failed').at(-1)).toBe('restream.failed');
    const { calls } = bench.stage;
    expect(calls.indexOf('finishPlaylists')).toBeGreaterThan(
      Math.max(...['live', 'starting'].map((id) => calls.indexOf(`stopRestream ${id}`))),
    );
  });

  it('does not wait for a destination that never answers, and says so', async () => {
    bench.stage.deaf.add('deaf');
    const { handle } = await liveStream(destination('good'), destination('deaf'));
    await connectLive('good');
    await connectLive('deaf');
    await handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] });
    await bench.env.sleep('9 seconds');
    await handle.result();
    expect(bench.stage.eventTypes.slice(-4)).toEqual(['stream.ending', 'restream.ended', 'restream.ended', 'stream.ended']);
    expect(stateOf('deaf')).toMatchObject({ status: 'ended', lastError: { code: 'destination_not_ended' } });
    expect(stateOf('good')?.lastError).toBeNull();
  });
});
