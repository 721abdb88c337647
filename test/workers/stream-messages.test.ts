import { afterEach, beforeEach, expect, it } from 'vitest';
import { createStreamMessages } from '../../workers/stream-messages.js';
import { createTemporalClient } from '../../platform/temporal/client.js';
import { endUpdate } from '../../workflows/messages.js';
import { until } from '../support/until.js';
import { HOST_ID, WorkflowBench } from '../workflows/support.js';

let bench: WorkflowBench;
beforeEach(async () => {
  bench = await WorkflowBench.create();
});
afterEach(() => bench.close());

it('ask a workflow what it wants, and say when it is gone or over', async () => {
  const messages = createStreamMessages(bench.client);
  const stream = await bench.start();
  const streamId = stream.handle.workflowId.replace('stream/', '');
  expect(await messages.viewOf(streamId)).toMatchObject({ status: 'idle', broadcastId: null });
  await stream.publish(1);
  const { input } = await bench.stage.encoder(1);
  await until(() => bench.stage.status === 'live', 'live');
  expect(await messages.viewOf(streamId)).toMatchObject({ status: 'live', broadcastId: input.broadcastId, hostId: HOST_ID });
  await stream.handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] });
  await stream.handle.result();
  expect(await messages.viewOf(streamId)).toBe('gone');
  expect(await messages.viewOf('str_unknown')).toBe('gone');
});

it('reach the timeline of a stream, and need nobody who is gone', async () => {
  const messages = createStreamMessages(bench.client);
  const stream = await bench.start();
  const streamId = stream.handle.workflowId.replace('stream/', '');
  await stream.publish(1);
  const { input } = await bench.stage.encoder(1);
  await until(() => bench.stage.status === 'live', 'live');
  const { broadcastId, epoch } = input;
  await messages.health(streamId, { eventId: 'one', broadcastId, problem: 'disk_nearly_full', data: {} });
  await until(() => bench.stage.eventTypes.includes('stream.health'), 'the health event');
  await messages.playable(streamId, { broadcastId, epoch });
  const { events = [] } = await stream.handle.fetchHistory();
  const signals = events?.map(({ workflowExecutionSignaledEventAttributes: signal }) => signal?.signalName);
  expect(signals).toContain('encoderPlayable');
  await messages.playable('str_unknown', { broadcastId, epoch });
  await messages.live({ broadcastId, destinationId: 'dst_unknown', attempt: 1 });
});

it('fail while Temporal is away, so that whoever tells tries again', async () => {
  const client = createTemporalClient({ address: '127.0.0.1:9', namespace: 'default' });
  const messages = createStreamMessages(client);
  await expect(messages.viewOf('str_1')).rejects.toThrow();
  await expect(messages.playable('str_1', { broadcastId: 'brd_1', epoch: 1 })).rejects.toThrow();
  await client.connection.close();
});
