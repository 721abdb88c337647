import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, sleep, startChild, type ChildWorkflowHandle } from '@temporalio/workflow';
import { restreamWorkflowId, STREAMS_QUEUE } from '../domain/task-queues.js';
import { STREAM_ID_ATTRIBUTE } from '../platform/temporal/search-attributes.js';
import { restreamWorkflow, type RestreamInput } from './restream-workflow.js';

/** A restream says that it has ended a moment before its workflow has; a worker that was killed just then holds it up a while. */
const CLOSING_PAUSE = '1 second';
const CLOSING_TRIES = 60;

/** Starts the workflow of one destination; its predecessor in this broadcast may still be closing. */
export async function startRestream(input: RestreamInput): Promise<ChildWorkflowHandle<typeof restreamWorkflow>> {
  const { streamId, broadcastId, destinationId, label } = input;
  for (let tries = 1; ; tries += 1) {
    try {
      return await startChild(restreamWorkflow, {
        workflowId: restreamWorkflowId(broadcastId, destinationId),
        taskQueue: STREAMS_QUEUE,
        // The stream may go on in another run; a restream whose stream is gone ends by itself.
        parentClosePolicy: ParentClosePolicy.ABANDON,
        staticSummary: `restream to ${label}`,
        typedSearchAttributes: [{ key: STREAM_ID_ATTRIBUTE, value: streamId }],
        args: [input],
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError) || tries === CLOSING_TRIES) throw error;
    }
    await sleep(CLOSING_PAUSE, { summary: 'until the restream before it is closed' });
  }
}
