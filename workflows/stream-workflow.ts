import { CancellationScope, condition, continueAsNew, patched } from '@temporalio/workflow';
import { streamStoryOfOldRun } from './legacy/stream-story.js';
import type { StreamState, StreamWorkflowInput } from './messages.js';
import { registerHandlers } from './stream-handlers.js';
import { StreamRun } from './stream-run.js';

/** Histories from before the rules of a stream were a machine in domain/lifecycle; their runs end as they began. */
const RULES_ARE_A_MACHINE = 'rules-are-a-machine';

/** A live stream, from its creation to its end (a reusable one: to its deletion). */
export async function streamWorkflow(input: StreamWorkflowInput): Promise<StreamState> {
  return patched(RULES_ARE_A_MACHINE) ? streamStory(input) : streamStoryOfOldRun(input);
}

/**
 * Whatever happens is a fact; the rules (domain/lifecycle) say what the stream is after it, and what is to be done; that is
 * begun here, and how it turns out is the next fact. Each broadcast, and each long history, gets a run of its own.
 */
async function streamStory(input: StreamWorkflowInput): Promise<StreamState> {
  const stream = new StreamRun(input);
  registerHandlers(stream);
  // An operator's cancel in the Temporal UI ends the broadcast in the defined order, it does not cut it off.
  CancellationScope.current().cancelRequested.catch(() => stream.take({ kind: 'endRequested', cause: 'operator' }));
  return CancellationScope.nonCancellable(async () => {
    stream.begin();
    for (;;) {
      stream.fulfilObligations();
      await condition(() => stream.hasNews || stream.isOver || stream.mayContinueAsNew);
      if (stream.isOver) return stream.state();
      if (stream.mayContinueAsNew) await continueAsNew<typeof streamWorkflow>(stream.carry());
    }
  });
}
