import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DeterminismViolationError } from '@temporalio/workflow';
import { Worker } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';

const FOLDER = new URL('../histories/', import.meta.url);
const workflowBundle = { codePath: fileURLToPath(new URL('../../dist/workflow-bundle.js', import.meta.url)) };

interface HistoryJson {
  events: { activityTaskScheduledEventAttributes?: { activityType: { name: string } } }[];
}

const names = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
const historyOf = (name: string): HistoryJson => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as HistoryJson;

async function replayError(history: HistoryJson): Promise<unknown> {
  for await (const result of Worker.runReplayHistories({ workflowBundle }, [{ workflowId: 'stream/replayed', history }])) {
    return result.error;
  }
  throw new Error('nothing was replayed');
}

describe('workflow histories of shipped versions', () => {
  it('are there', () => {
    expect(names.length).toBeGreaterThan(0);
  });

  it.each(names)('%s replays with the present code', async (name) => {
    expect(await replayError(historyOf(name))).toBeUndefined();
  });

  it('of another story are noticed', async () => {
    const broken = historyOf(names[0]!);
    const scheduled = broken.events.find((event) => event.activityTaskScheduledEventAttributes);
    scheduled!.activityTaskScheduledEventAttributes!.activityType.name = 'somethingElse';
    expect(await replayError(broken)).toBeInstanceOf(DeterminismViolationError);
  });
});
