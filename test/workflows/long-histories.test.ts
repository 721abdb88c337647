import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { disableUpdate, enableUpdate, endRestreamSignal, endUpdate, publishRefusedSignal, stateQuery } from '../../workflows/messages.js';
import type { restreamWorkflow } from '../../workflows/index.js';
import { restreamWorkflowId, STREAMS_QUEUE } from '../../domain/task-queues.js';
import { until } from '../support/until.js';
import { HOST_ID, SOURCE, WorkflowBench } from './support.js';

/**
 * How much is simulated: the whole is 30 days of one refused publish a minute, 7 days of a platform that flaps every minute, and
 * 100,000 commands, which takes an hour. What counts is that runs follow each other, so a part shows as much.
 */
const WHOLE = process.env.SIMULATE_WHOLE === '1';
const REFUSALS = WHOLE ? 30 * 24 * 60 : 500;
const FLAPPING_TIME = WHOLE ? '7 days' : '5 hours';
/** Platforms are given about one publish a minute. */
const FLAPS = WHOLE ? 7 * 24 * 55 : 5 * 55;
const COMMANDS = WHOLE ? 100_000 : 1500;
/** Temporal warns at 10,240 events and ends a workflow at 51,200. */
const MOST_EVENTS = 10_000;
const AT_ONCE = 8;
const TEST_LIMIT_MS = WHOLE ? 7_200_000 : 120_000;

let bench: WorkflowBench;
beforeEach(async () => {
  bench = await WorkflowBench.create();
});
afterEach(async () => {
  await bench.close();
});

/** Events of every run of this workflow, oldest first. */
async function eventsOfRuns(workflowId: string, first: string): Promise<number[]> {
  const counts: number[] = [];
  for (let runId: string | undefined = first; runId;) {
    const { events } = await bench.client.workflow.getHandle(workflowId, runId).fetchHistory();
    counts.push(events?.length ?? 0);
    runId = events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
  }
  return counts;
}

async function expectShort(handle: WorkflowHandle, first: string): Promise<void> {
  const counts = await eventsOfRuns(handle.workflowId, first);
  expect(Math.max(...counts)).toBeLessThan(MOST_EVENTS);
  expect(counts.length).toBeGreaterThan(1);
}

const runIdOf = async (workflowId: string): Promise<string> => (await bench.client.workflow.getHandle(workflowId).describe()).runId;

/** One after another, but for a few that are under way at once. */
async function repeat(count: number, step: (index: number) => Promise<unknown>): Promise<void> {
  for (let index = 0; index < count; index += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - index) }, (_none, offset) => step(index + offset)));
  }
}

describe('no history grows for ever', () => {
  it('of an idle stream whose encoder is refused every minute', { timeout: TEST_LIMIT_MS }, async () => {
    const { stage } = bench;
    const { handle, publish } = await bench.start();
    const first = await runIdOf(handle.workflowId);
    for (let minute = 0; minute < REFUSALS; minute += 1) {
      const refused = {
        eventId: randomUUID(),
        code: 'publish_unsupported_codec',
        message: 'No.',
        remoteAddress: '192.0.2.1:5000',
      } as const;
      await handle.signal(publishRefusedSignal, refused);
      await bench.env.sleep('1 minute');
      // Each is written before the next, as it is from minute to minute.
      await until(() => stage.events.length > minute + 1, 'the refusal to be written');
    }
    await until(() => stage.events.at(-1)?.sequence === REFUSALS + 1, 'every refusal to be in the timeline');
    await expectShort(handle, first);
    await publish(1);
    await stage.encoder(1);
    await until(() => stage.status === 'live', 'live, after all that');
  });

  it('of a destination whose platform takes the stream and drops it again', { timeout: TEST_LIMIT_MS }, async () => {
    const { stage, env, client } = bench;
    stage.flapping = true;
    const streamId = 'str_flapping';
    const stream = await bench.start(streamId);
    const streamRun = await runIdOf(stream.handle.workflowId);
    // By itself: the server skips no time while an encoder runs.
    const input = { streamId, broadcastId: 'brd_1', destinationId: 'one', label: 'ONE', hostId: HOST_ID, source: SOURCE, attempts: 0 };
    const workflowId = restreamWorkflowId('brd_1', 'one');
    const restream = await client.workflow.start<typeof restreamWorkflow>('restreamWorkflow', {
      taskQueue: STREAMS_QUEUE,
      workflowId,
      args: [input],
    });
    const first = restream.firstExecutionRunId;
    await env.sleep(FLAPPING_TIME);
    await until(() => stage.connections.length >= FLAPS, 'as many connections as fit into that time', TEST_LIMIT_MS);
    await expectShort(restream, first);
    expect(Math.max(...(await eventsOfRuns(stream.handle.workflowId, streamRun)))).toBeLessThan(MOST_EVENTS);
    await client.workflow.getHandle(workflowId).signal(endRestreamSignal);
    const { state } = await client.workflow.getHandle<typeof restreamWorkflow>(workflowId).result();
    expect(state).toMatchObject({ status: 'ended', attempts: stage.connections.length });
  });

  it('of a stream that is commanded all the time', { timeout: TEST_LIMIT_MS }, async () => {
    const { stage } = bench;
    stage.settings.reusable = true;
    const { handle, publish } = await bench.start();
    const first = await runIdOf(handle.workflowId);
    const commands = [
      () => handle.executeUpdate(disableUpdate),
      () => handle.executeUpdate(enableUpdate),
      () => handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] }),
    ];
    await repeat(COMMANDS, (index) => commands[index % commands.length]!());
    await expectShort(handle, first);
    await handle.executeUpdate(enableUpdate);
    expect(await handle.query(stateQuery)).toMatchObject({ status: 'idle', disabled: false });
    await publish(1);
    await stage.encoder(1);
    await until(() => stage.status === 'live', 'live, after all that');
  });
});
