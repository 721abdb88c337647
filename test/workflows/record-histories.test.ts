import { mkdirSync, writeFileSync } from 'node:fs';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { describe, it } from 'vitest';
import { endUpdate } from '../../workflows/messages.js';
import { until } from '../support/until.js';
import { OTHER_HOST, type StreamUnderTest, WorkflowBench } from './support.js';

/**
 * Set to a name to write test/histories/<name>.json: run once for every shipped change of a workflow, then commit the file.
 * Choose the story with `-t`, or the last one is kept.
 */
const NAME = process.env.RECORD_HISTORY;
const FOLDER = new URL('../histories/', import.meta.url);

async function keep(handle: StreamUnderTest['handle']): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(new URL(`${NAME}.json`, FOLDER), historyToJSON(await handle.fetchHistory()));
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
});
