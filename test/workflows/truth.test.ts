import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { STREAMS_QUEUE } from '../../domain/task-queues.js';
import type { streamWorkflow } from '../../workflows/index.js';
import { deleteUpdate, endUpdate, snapshotQuery, stateQuery } from '../../workflows/messages.js';
import { until } from '../support/until.js';
import { HOST_ID, WorkflowBench } from './support.js';

let bench: WorkflowBench;
beforeEach(async () => {
  bench = await WorkflowBench.create();
});
afterEach(async () => {
  await bench.close();
});

const liveStream = () => bench.live();

const silent = { reason: 'source_unknown', detail: '', mediaSeconds: 3 } as const;

describe('a publisher whose ingest answers nothing', () => {
  it('is waited for, and goes on with its number when its host says that it is there', async () => {
    const { stage } = bench;
    const { encoder, publisher } = await liveStream();
    encoder.finish(silent);
    await until(() => stage.status === 'reconnecting', 'reconnecting');
    expect(stage.encoders).toHaveLength(1);
    stage.present.add(publisher.publishId);
    expect((await stage.encoder(2)).input).toMatchObject({ epoch: 2, publishId: 'pub-1', after: { epoch: 1, mediaSeconds: 0 } });
    await until(() => stage.status === 'live', 'live again');
  });

  it('goes on when the ingest says again who publishes', async () => {
    const { stage } = bench;
    const { encoder, publish, handle } = await liveStream();
    encoder.finish(silent);
    await until(() => stage.status === 'reconnecting', 'reconnecting');
    await publish(1, { eventId: 'again' });
    await stage.encoder(2);
    await until(() => stage.status === 'live', 'live again');
    expect(await handle.query(stateQuery)).toMatchObject({ publisher: { publishId: 'pub-1' }, encoder: { epoch: 2 } });
  });

  it('has left when its host says so, and does not come back by a late message', async () => {
    const { stage } = bench;
    const { encoder, publisher, publish, handle } = await liveStream();
    encoder.finish(silent);
    stage.gone.add(publisher.publishId);
    const slate = await stage.encoder(2);
    expect(slate.input.programme).toBe(true);
    await publish(1, { eventId: 'late' });
    expect(await handle.query(stateQuery)).toMatchObject({ publisher: null, stoppedSeq: 1, status: 'reconnecting' });
  });
});

/** The end of a reusable stream's broadcast, all but what Postgres has to be told of it. */
async function endedUntold(reusable: boolean) {
  const { stage } = bench;
  stage.settings.reusable = reusable;
  const stream = await liveStream();
  stage.databaseAway = true;
  await stream.handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] });
  await until(() => stage.calls.includes('disconnect pub-1'), 'the end of the media');
  return stream;
}

describe('while the end of a broadcast is still to be written', () => {
  it('another end is answered, and the stream goes on', async () => {
    const { stage } = bench;
    const { handle, publish } = await endedUntold(true);
    const answered = handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] });
    stage.databaseAway = false;
    expect(await answered).toMatchObject({ status: 'idle' });
    await publish(2);
    await stage.encoder(2);
    await until(() => stage.status === 'live', 'the next broadcast');
  });

  it.each([true, false])('a delete is not lost (reusable: %s)', async (reusable) => {
    const { stage } = bench;
    const { handle, encoder } = await endedUntold(reusable);
    await handle.executeUpdate(deleteUpdate);
    stage.databaseAway = false;
    const { streamId } = await handle.result();
    expect(stage.calls).toContain(`deleteMedia ${encoder.input.broadcastId}`);
    expect(stage.calls.at(-1)).toBe(`purgeStream ${streamId}`);
  });
});

describe('a delete', () => {
  it('waits for no host that is away: what that one has is deleted when it is back', async () => {
    const { stage } = bench;
    const { handle, encoder } = await bench.live();
    await handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] });
    await handle.result();
    stage.goneHosts.add(HOST_ID);
    const { streamId } = encoder.input;
    const purging = await bench.client.workflow.start<typeof streamWorkflow>('streamWorkflow', {
      taskQueue: STREAMS_QUEUE,
      workflowId: handle.workflowId,
      args: [{ streamId, purge: true }],
    });
    await purging.result();
    expect(stage.calls).toContain(`purgeStream ${streamId}`);
    const deletion = `deleteMedia ${encoder.input.broadcastId}`;
    expect(stage.calls).not.toContain(deletion);
    stage.goneHosts.clear();
    await until(() => stage.calls.includes(deletion), 'the deletion at the host that is back');
  });
});

it('the snapshot has all that Postgres should show', async () => {
  const { stage } = bench;
  const { handle, encoder } = await liveStream();
  const snapshot = await handle.query(snapshotQuery);
  expect(snapshot).toMatchObject({
    status: 'live',
    broadcastId: encoder.input.broadcastId,
    opened: { broadcastId: encoder.input.broadcastId },
  });
  expect(snapshot.events.map(({ type }) => type)).toEqual(stage.eventTypes);
  expect(snapshot.broadcast).toEqual(stage.projections.at(-1)?.broadcast);
  expect(snapshot.version).toBe(stage.projections.at(-1)?.version);
});
