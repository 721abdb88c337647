import type { SignalDefinition } from '@temporalio/common';
import { type Client, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import { HoldfastError } from '../../domain/errors.js';
import { STREAMS_QUEUE, streamWorkflowId } from '../../domain/task-queues.js';
import { CALL_DEADLINE_MS } from '../../platform/temporal/client.js';
import { STREAM_ID_ATTRIBUTE, STREAM_STATUS_ATTRIBUTE } from '../../platform/temporal/search-attributes.js';
import {
  type PublishRefused,
  publishRefusedSignal,
  type PublishStarted,
  publishStartedSignal,
  type PublishStopped,
  publishStoppedSignal,
  stateQuery,
} from '../../workflows/messages.js';
import type { StreamBelief } from './belief.js';

/** A belief is asked for again soon; an answer that takes longer would be about a moment that is over. */
const BELIEF_DEADLINE_MS = 2000;

/** How the ingest tells a stream's workflow about its publishers, and asks it. All may be repeated: the eventId is the same. */
export interface StreamSignals {
  /** Throws `stream_ended` when the workflow is completed; any other rejection is worth another try. */
  publishStarted(started: PublishStarted): Promise<void>;
  /** A workflow that is gone needs no telling. */
  publishStopped(streamId: string, stopped: PublishStopped): Promise<void>;
  /** For the timeline alone; a workflow that is gone needs no telling. */
  publishRefused(streamId: string, refused: PublishRefused): Promise<void>;
  /**
   * What the workflow believes now, null when there is none; adds nothing to its history. Rejects when no worker answers
   * within a short time.
   */
  belief(streamId: string): Promise<StreamBelief | null>;
}

/** The real one. A running workflow only gets the signal; the start is for the rare one the API could not start. */
export function createStreamSignals(client: Client): StreamSignals {
  return {
    async publishStarted(started) {
      const { streamId } = started;
      try {
        await client.withDeadline(Date.now() + CALL_DEADLINE_MS, () =>
          client.workflow.signalWithStart('streamWorkflow', {
            workflowId: streamWorkflowId(streamId),
            taskQueue: STREAMS_QUEUE,
            args: [{ streamId }],
            signal: publishStartedSignal,
            signalArgs: [started],
            workflowIdReusePolicy: 'REJECT_DUPLICATE',
            workflowIdConflictPolicy: 'USE_EXISTING',
            typedSearchAttributes: [
              { key: STREAM_ID_ATTRIBUTE, value: streamId },
              { key: STREAM_STATUS_ATTRIBUTE, value: 'idle' },
            ],
            staticSummary: `Stream ${streamId}`,
          }),
        );
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        throw new HoldfastError('stream_ended', undefined, {}, { cause: error });
      }
    },

    publishStopped: (streamId, stopped) => tell(streamId, publishStoppedSignal, stopped),

    publishRefused: (streamId, refused) => tell(streamId, publishRefusedSignal, refused),

    async belief(streamId) {
      try {
        return await client.withDeadline(Date.now() + BELIEF_DEADLINE_MS, () =>
          client.workflow.getHandle(streamWorkflowId(streamId)).query(stateQuery),
        );
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
        return null;
      }
    },
  };

  async function tell<T>(streamId: string, signal: SignalDefinition<[T]>, message: T): Promise<void> {
    try {
      await client.withDeadline(Date.now() + CALL_DEADLINE_MS, () =>
        client.workflow.getHandle(streamWorkflowId(streamId)).signal(signal, message),
      );
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }
}
