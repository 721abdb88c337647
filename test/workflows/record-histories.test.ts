import { mkdirSync, writeFileSync } from 'node:fs';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { describe, it } from 'vitest';
import { endUpdate } from '../../workflows/messages.js';
import { until } from '../support/until.js';
import { formerHostWorkflowId, restreamWorkflowId, retentionWorkflowId } from '../../domain/task-queues.js';
import { HOST_ID, OTHER_HOST, type StreamUnderTest, WorkflowBench } from './support.js';

/**
 * Set to a name to write test/histories/<name>.json: run once for every shipped change of a workflow, then commit the file.
 * Choose the story with `-t`, or the last one is kept.
 */
const NAME = process.env.RECORD_HISTORY;
const FOLDER = new URL('../histories/', import.meta.url);

async function keep(handle: Pick<StreamUnderTest['handle'], 'fetchHistory'>, name = NAME): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(new URL(`${name}.json`, FOLDER), historyToJSON(await handle.fetchHistory()));
}

describe.runIf(NAME)('recording', () => {
  it('writes the history of a broadcast with a rendition dropped, an encoder crash and a reconnect', async () => {
    const bench = await WorkflowBench.create();
    try {
      const { stage } = bench;
      const stream = await bench.start('str_replayed');
      const first = await stream.publish(1);
      (await stage.encoder(1)).input.epoch satisfies number;
      await until(() => stage.status === 'live', 'live');
      stage.encoders[0]!.finish({ reason: 'too_slow', detail: '', mediaSeconds: 30, pace: { speed: 0.5, behindSeconds: 12 } });
      await stage.encoder(2);
      stage.encoders[1]!.finish({ reason: 'crashed', detail: 'gone', mediaSeconds: 3 });
      await stage.encoder(3, { playable: false });
      await stream.unpublish(first);
      await until(() => stage.status === 'reconnecting', 'reconnecting');
      await stream.publish(2);
      await stage.encoder(4);
      await until(() => stage.status === 'live', 'live again');
      await stream.handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] });
      await stream.handle.result();
      await keep(stream.handle);
    } finally {
      await bench.close();
    }
  });

  it('writes the history of a broadcast that goes on at another media host', async () => {
    const bench = await WorkflowBench.create();
    try {
      const { stage } = bench;
      stage.settings.record = true;
      stage.destinations = [{ destinationId: 'one', label: 'ONE', enabled: true, revision: '1' }];
      const stream = await bench.start('str_replayed');
      await stream.publish(1);
      await stage.encoder(1);
      await (await stage.connection('one')).goLive();
      await until(() => stage.restreamEvents('one').at(-1) === 'restream.live', 'the restream to be live');
      await stream.publish(2, { hostId: OTHER_HOST });
      await (await stage.connection('one', 2)).goLive();
      await stage.encoder(2);
      await until(() => stage.status === 'live' && stage.restreamEvents('one').at(-1) === 'restream.live', 'live again');
      await stream.handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] });
      await stream.handle.result();
      await keep(stream.handle);
    } finally {
      await bench.close();
    }
  });

  it('writes the histories of restreams that are lost, refused, moved and ended, and of what a broadcast leaves behind', async () => {
    const bench = await WorkflowBench.create();
    try {
      const { stage } = bench;
      stage.retentionHours = 0.01;
      stage.destinations = ['one', 'two'].map((destinationId) => ({ destinationId, label: destinationId, enabled: true, revision: '1' }));
      const stream = await bench.start('str_replayed');
      await stream.publish(1);
      const { input } = await stage.encoder(1);
      const isNow = (destinationId: string, type: string) => until(() => stage.restreamEvents(destinationId).at(-1) === type, type);
      await (await stage.connection('one')).goLive();
      (await stage.connection('two')).finish({ code: 'destination_refused', detail: 'no', wasLive: false, bytesSent: 0 });
      await Promise.all([isNow('one', 'restream.live'), isNow('two', 'restream.failed')]);
      (await stage.connection('one')).finish({ code: 'destination_lost', detail: 'gone', wasLive: true, bytesSent: 5 });
      await (await stage.connection('one', 2)).goLive();
      await isNow('one', 'restream.live');
      await stream.publish(2, { hostId: OTHER_HOST });
      await (await stage.connection('one', 3)).goLive();
      await stage.encoder(2);
      await until(() => stage.status === 'live', 'live at the other host');
      await isNow('one', 'restream.live');
      await stream.handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] });
      await stream.handle.result();
      await bench.env.sleep('60 seconds');
      const { broadcastId } = input;
      const workflows = {
        'restream-ended': restreamWorkflowId(broadcastId, 'one'),
        'restream-refused': restreamWorkflowId(broadcastId, 'two'),
        'former-host-left': formerHostWorkflowId(broadcastId, HOST_ID, '1'),
        'former-host-finished': formerHostWorkflowId(broadcastId, HOST_ID, 'end'),
        retention: retentionWorkflowId(broadcastId),
      };
      for (const [name, workflowId] of Object.entries(workflows)) {
        const handle = bench.client.workflow.getHandle(workflowId);
        await until(async () => (await handle.describe()).status.name === 'COMPLETED', `the end of ${workflowId}`);
        await keep(handle, `${NAME}-${name}`);
      }
    } finally {
      await bench.close();
    }
  });
});
