import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectDatabase } from '../../platform/db/connection.js';
import { streamWorkflowId } from '../../domain/task-queues.js';
import { Stage } from '../support/stage.js';

let stage: Stage;
/** What nobody may find anywhere: keys and secrets of this run. */
const secrets: string[] = [];
let streamId: string;

beforeAll(async () => {
  stage = await Stage.open({ settings: { HOLDFAST_LOG_LEVEL: 'trace' } });
  const { api } = stage;
  const run = await stage.stack.run();
  const { stream, publisher } = await stage.live({ name: 'secret keeper', reusable: true });
  streamId = stream.id;
  const second = stage.publish(stream.publishUrl);
  await second.exited();
  const rotated = await api.call('POST', `/v1/streams/${stream.id}/rotate-key`);
  await publisher.exited();
  const old = stage.publish(stream.publishUrl);
  await old.exited();
  await api.call('POST', `/v1/streams/${stream.id}/nonsense`, { streamKey: stream.streamKey });
  await api.end(stream.id);
  await stage.becomes(stream, 'idle');
  expect(rotated.body.streamKey).not.toBe(stream.streamKey);
  secrets.push(run.apiSecret, stream.streamKey, rotated.body.streamKey);
});
afterAll(() => stage?.close());

const found = (text: string): number => secrets.filter((secret) => text.includes(secret)).length;

describe('no stream key and no API secret is', () => {
  it('in any log', () => {
    const logs = join(stage.stack.dataDir, 'logs');
    const files = readdirSync(logs, { recursive: true, encoding: 'utf8' })
      .map((name) => join(logs, name))
      .filter((path) => statSync(path).isFile());
    expect(files.length).toBeGreaterThan(5);
    expect(files.filter((path) => found(readFileSync(path, 'utf8')) > 0)).toEqual([]);
  });

  it('in the timeline', async () => {
    const events = await stage.api.events(streamId);
    expect(events.length).toBeGreaterThan(3);
    expect(found(JSON.stringify(events))).toBe(0);
  });

  it('in the history Temporal keeps', async () => {
    const connection = await Connection.connect({ address: (await stage.stack.run()).temporal });
    const client = new Client({ connection });
    let histories = 0;
    for await (const execution of client.workflow.list({ query: `WorkflowId = "${streamWorkflowId(streamId)}"` })) {
      const history = await client.workflow.getHandle(execution.workflowId, execution.runId).fetchHistory();
      const text = historyToJSON(history);
      const payloads = [...text.matchAll(/"data":\s*"([^"]+)"/g)].map((match) => Buffer.from(match[1]!, 'base64').toString());
      expect(found(text) + found(payloads.join('\n'))).toBe(0);
      histories += 1;
    }
    await connection.close();
    expect(histories).toBeGreaterThan(0);
  });

  it('in the database in clear', async () => {
    const db = connectDatabase((await stage.stack.run()).database);
    try {
      const tables: string[] = await db('pg_tables').where('schemaname', 'public').pluck('tablename');
      for (const table of tables) {
        const rows = await db(table).select(db.raw('to_jsonb(??.*)::text as text', [table]));
        expect(found(JSON.stringify(rows)), table).toBe(0);
      }
      expect(tables.length).toBeGreaterThan(5);
    } finally {
      await db.destroy();
    }
  });
});
