import { fileURLToPath } from 'node:url';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BroadcastProjection, Catalog, StreamProjection } from '../../../domain/contracts/catalog.js';
import type { EventType, StreamEvent } from '../../../domain/event.js';
import type { StreamStatus } from '../../../domain/stream.js';
import { streamWorkflowId } from '../../../domain/task-queues.js';
import { createBroadcastRepository } from '../../../platform/db/repositories/broadcasts.js';
import { createCatalog } from '../../../platform/db/repositories/catalog.js';
import { createEventRepository } from '../../../platform/db/repositories/events.js';
import { createReadModel } from '../../../platform/db/repositories/read-model.js';
import { createRecordingRepository } from '../../../platform/db/repositories/recordings.js';
import { createStreamRepository } from '../../../platform/db/repositories/streams.js';
import { SEARCH_ATTRIBUTES, STREAM_ID_ATTRIBUTE } from '../../../platform/temporal/search-attributes.js';
import { ReadModelReconciler } from '../../../workers/reconciliation/reconciler.js';
import type { StreamSnapshot } from '../../../workflows/messages.js';
import { createDatabaseBench, type DatabaseBench } from '../../platform/db/support.js';
import { temporalPath } from '../../support/toolchain.js';
import { until } from '../../support/until.js';
import { becomesSignal, type streamWorkflow } from './snapshot-workflow.js';

const QUEUE = 'reconciliation';
const TIME = '2026-01-02T03:04:05.678Z';

let bench: DatabaseBench;
let catalog: Catalog;
let temporal: TestWorkflowEnvironment;
let stopWorker: () => Promise<void>;
let reconciler: ReadModelReconciler;
/** Streams whose workflow was asked. */
let asked: string[] = [];

beforeAll(async () => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } },
  });
  bench = await createDatabaseBench();
  catalog = createCatalog(bench.db);
  temporal = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'existing-path', path: temporalPath() }, searchAttributes: SEARCH_ATTRIBUTES },
  });
  const worker = await Worker.create({
    connection: temporal.nativeConnection,
    taskQueue: QUEUE,
    workflowsPath: fileURLToPath(new URL('snapshot-workflow.ts', import.meta.url)),
  });
  const running = worker.run();
  stopWorker = async () => {
    worker.shutdown();
    await running;
  };
  const { workflow, connection } = temporal.client;
  const counting = Object.assign(Object.create(workflow) as typeof workflow, {
    getHandle: (id: string) => {
      asked.push(id);
      return workflow.getHandle(id);
    },
  });
  reconciler = new ReadModelReconciler({
    client: { workflow: counting, connection },
    readModel: createReadModel(bench.db),
    catalog,
    log: pino({ level: 'silent' }),
  });
});
afterAll(async () => {
  await stopWorker();
  await temporal.teardown();
  await bench.close();
});

const event = (streamId: string, sequence: number, type: EventType): StreamEvent => ({
  id: `evt_${streamId}_${sequence}`,
  sequence,
  type,
  streamId,
  broadcastId: null,
  occurredAt: TIME,
  data: {},
});

/** A broadcast as its workflow has written it, projection by projection; the last one is where it is now. */
function story(streamId: string, statuses: readonly StreamStatus[]): StreamProjection[] {
  const broadcastId = `brd_${streamId}`;
  const measured = { durationSeconds: null, bytes: null };
  return statuses.map((status, index) => {
    const broadcast: BroadcastProjection = {
      broadcastId,
      status: status === 'idle' ? 'ended' : status,
      source: null,
      renditions: [],
      liveAt: status === 'connecting' ? null : TIME,
      endedAt: status === 'ended' ? TIME : null,
      endCause: status === 'ended' ? 'api' : null,
      ...measured,
    };
    const isOver = status === 'ended' || status === 'idle';
    return {
      streamId,
      version: index + 2,
      status,
      disabled: false,
      broadcastId: isOver ? null : broadcastId,
      opened: { broadcastId, streamId, hostId: 'local', startedAt: TIME },
      broadcast,
      ...(status === 'live' ? { recording: { recordingId: `rec_${streamId}`, broadcastId, status: 'recording', ...measured } } : {}),
      events: [event(streamId, index + 2, status === 'live' ? 'stream.live' : 'stream.health')],
    };
  });
}

/** Everything at once, as the query answers it. */
const snapshotOf = (projections: readonly StreamProjection[]): StreamSnapshot => ({
  ...projections.reduce((all, one) => ({ ...all, ...one })),
  events: projections.flatMap(({ events }) => events),
});

async function startStream(streamId: string, snapshot: StreamSnapshot | null): Promise<void> {
  await temporal.client.workflow.start<typeof streamWorkflow>('streamWorkflow', {
    taskQueue: QUEUE,
    workflowId: streamWorkflowId(streamId),
    args: [{ snapshot }],
    typedSearchAttributes: [{ key: STREAM_ID_ATTRIBUTE, value: streamId }],
  });
}

/** What readers see of a stream. */
async function seen(streamId: string) {
  const stream = await createStreamRepository(bench.db, bench.secrets).find(streamId);
  const broadcast = await createBroadcastRepository(bench.db).find(`brd_${streamId}`);
  const { items } = await createEventRepository(bench.db).listOf(streamId, 0, 100);
  const recording = await createRecordingRepository(bench.db).find(`rec_${streamId}`);
  return {
    status: stream?.status,
    broadcastId: stream?.broadcastId,
    broadcast: broadcast && { status: broadcast.status, endCause: broadcast.endCause, startedAt: broadcast.startedAt.toISOString() },
    events: items.map(({ sequence }) => sequence),
    recording: recording?.status ?? null,
  };
}

/** A stream whose rows were written up to `written` projections, though its workflow has come to the end of the story. */
async function restored(streamId: string, statuses: readonly StreamStatus[], written: number): Promise<StreamProjection[]> {
  await bench.addStream(streamId);
  const projections = story(streamId, statuses);
  for (const projection of projections.slice(0, written)) await catalog.record(projection);
  await startStream(streamId, snapshotOf(projections));
  return projections;
}

/** Visibility lags behind; rounds go on until it has caught up. */
const mended = (streamId: string): Promise<true> =>
  until(async () => (await reconciler.reconcile()).includes(streamId) || null, `the rows of ${streamId}`);

describe('rows that were restored to a minute ago', () => {
  it('of a live stream are true again: status, broadcast, recording and events', async () => {
    await restored('str_live', ['connecting', 'live'], 0);
    expect(await seen('str_live')).toMatchObject({ status: 'idle', broadcast: null, events: [] });
    await mended('str_live');
    expect(await seen('str_live')).toEqual({
      status: 'live',
      broadcastId: 'brd_str_live',
      broadcast: { status: 'live', endCause: null, startedAt: TIME },
      events: [2, 3],
      recording: 'recording',
    });
  });

  it('of a stream that has come further meanwhile are rolled forward', async () => {
    await restored('str_reconnecting', ['connecting', 'live', 'reconnecting'], 1);
    await mended('str_reconnecting');
    expect(await seen('str_reconnecting')).toMatchObject({
      status: 'reconnecting',
      events: [2, 3, 4],
      broadcast: { status: 'reconnecting' },
    });
  });

  it('say live of a stream that has ended: its workflow has completed and is asked all the same', async () => {
    await restored('str_ended', ['connecting', 'live', 'ending', 'ended'], 2);
    await temporal.client.workflow.getHandle(streamWorkflowId('str_ended')).result();
    await mended('str_ended');
    expect(await seen('str_ended')).toMatchObject({
      status: 'ended',
      broadcast: { status: 'ended', endCause: 'api' },
      events: [2, 3, 4, 5],
    });
  });

  it('say idle of a stream that has just ended', async () => {
    await restored('str_unseen', ['connecting', 'live', 'ended'], 0);
    await mended('str_unseen');
    expect(await seen('str_unseen')).toMatchObject({ status: 'ended', broadcast: { status: 'ended' } });
  });

  it('say live of a reusable stream that is idle again', async () => {
    await restored('str_idle', ['connecting', 'live', 'idle'], 2);
    await mended('str_idle');
    expect(await seen('str_idle')).toMatchObject({ status: 'idle', broadcastId: null, broadcast: { status: 'ended' } });
  });

  it('lose an event alone, and have it again', async () => {
    await restored('str_event', ['connecting', 'live'], 2);
    await bench.db('events').where({ stream_id: 'str_event', sequence: 3 }).delete();
    await mended('str_event');
    expect((await seen('str_event')).events).toEqual([2, 3]);
  });

  it('that lack the stream itself are left alone', async () => {
    await startStream('str_gone', snapshotOf(story('str_gone', ['connecting', 'live'])));
    await restored('str_beside', ['connecting', 'live'], 0);
    await mended('str_beside');
    expect(await seen('str_gone')).toMatchObject({ status: undefined, broadcast: null, events: [] });
    expect(asked).not.toContain(streamWorkflowId('str_gone'));
  });
});

describe('rows that are true', () => {
  it('are not written, and idle streams are not even asked', async () => {
    for (let number = 0; number < 20; number++) await restored(`str_quiet_${number}`, ['idle'], 1);
    await restored('str_true', ['connecting', 'live'], 2);
    const before = await bench.db('streams').where({ id: 'str_true' }).first('updated_at');
    await until(async () => {
      asked = [];
      await reconciler.reconcile();
      return asked.includes(streamWorkflowId('str_true'));
    }, 'the live stream to be asked');
    expect(asked.filter((id) => id.includes('quiet'))).toEqual([]);
    expect(await reconciler.reconcile()).not.toContain('str_true');
    expect(await bench.db('streams').where({ id: 'str_true' }).first('updated_at')).toEqual(before);
  });

  it('of a workflow that knows no such query stay as they are, and hold up nobody', async () => {
    await bench.addStream('str_old');
    await startStream('str_old', null);
    await restored('str_new', ['connecting', 'live'], 0);
    await until(async () => {
      await reconciler.reconcile();
      return asked.includes(streamWorkflowId('str_old'));
    }, 'the old one to be asked');
    // Temporal's list may show the new one later than the old one.
    await until(async () => {
      await reconciler.reconcile();
      return (await seen('str_new')).status === 'live';
    }, 'the new one to be mended');
    expect((await seen('str_old')).status).toBe('idle');
  });

  it('get no older answer over them', async () => {
    const projections = await restored('str_later', ['connecting', 'live'], 2);
    await catalog.record({ ...projections[1]!, version: 9, status: 'ending', events: [event('str_later', 9, 'stream.ending')] });
    asked = [];
    await until(async () => {
      await reconciler.reconcile();
      return asked.includes(streamWorkflowId('str_later'));
    }, 'it to be asked');
    expect((await seen('str_later')).status).toBe('ending');
    await temporal.client.workflow
      .getHandle(streamWorkflowId('str_later'))
      .signal(becomesSignal, { ...snapshotOf(projections), version: 10, status: 'idle' });
    await until(async () => {
      await reconciler.reconcile();
      return (await seen('str_later')).status === 'idle';
    }, 'the newer state');
  });
});
