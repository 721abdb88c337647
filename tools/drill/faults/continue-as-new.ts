import { streamWorkflowId } from '../../../domain/task-queues.js';
import { createTemporalClient } from '../../../platform/temporal/client.js';
import { continueAsNewSignal } from '../../../workflows/messages.js';
import type { Fault } from '../fault.js';
import { waitFor } from '../wait.js';
import { UNNOTICED_MS } from './kills.js';

const TIMES = 3;
const STEP_LIMIT_MS = 20_000;
const STATUS_LIMIT_MS = 1000;

/** Not a fault: what happens by itself once a stream's history is long, in the middle of its broadcast. */
export const CONTINUE_AS_NEW: Fault = {
  name: 'continue-as-new',
  title: 'the stream goes on in a new workflow run',
  repeated: true,
  short: true,
  limits: { stallMs: UNNOTICED_MS, framesLost: 0, discontinuities: 0, statusMs: STATUS_LIMIT_MS },
  async inject(scene) {
    const { stack, stream, options } = scene;
    const from = Date.now();
    const problems: string[] = [];
    const pid = scene.encoder()?.process.pid;
    const client = createTemporalClient({ address: (await stack.run()).temporal, namespace: 'default' });
    const handle = client.workflow.getHandle(streamWorkflowId(stream.id));
    for (let time = 1; time <= (options.short ? 1 : TIMES); time++) {
      const { runId } = await handle.describe();
      await handle.signal(continueAsNewSignal);
      const next = await waitFor(async () => (await handle.describe()).runId !== runId, STEP_LIMIT_MS);
      if (!next) problems.push('there was no new run');
    }
    await client.connection.close();
    if (scene.encoder()?.process.pid !== pid) problems.push('the encoder is another process');
    return { truths: [{ from, status: 'live' }], problems };
  },
};
