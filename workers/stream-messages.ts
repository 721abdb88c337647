import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { RestreamConnection } from '../domain/contracts/restream.js';
import type { StreamHealth } from '../domain/contracts/stream-health.js';
import { restreamWorkflowId, streamWorkflowId } from '../domain/task-queues.js';
import type { StreamView } from '../media/host/leftovers.js';
import { encoderPlayableSignal, restreamLiveSignal, stateQuery, streamHealthSignal, type EncoderPlayable } from '../workflows/messages.js';

/** A call that takes longer will not be answered; it is made again. */
const DEADLINE_MS = 5000;

/** What a media host and a stream's workflows say to each other beside activities. */
export function createStreamMessages(client: Client) {
  const call = <T>(work: () => Promise<T>): Promise<T> => client.withDeadline(Date.now() + DEADLINE_MS, work);

  /** A workflow that is gone needs no telling. */
  async function tell(work: () => Promise<void>): Promise<void> {
    try {
      await call(work);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }

  return {
    playable: (streamId: string, encoder: EncoderPlayable): Promise<void> =>
      tell(() => client.workflow.getHandle(streamWorkflowId(streamId)).signal(encoderPlayableSignal, encoder)),

    live: ({ broadcastId, destinationId, attempt }: RestreamConnection): Promise<void> =>
      tell(() => client.workflow.getHandle(restreamWorkflowId(broadcastId, destinationId)).signal(restreamLiveSignal, { attempt })),

    /** Puts something into the stream's timeline. */
    health: (streamId: string, health: StreamHealth): Promise<void> =>
      tell(() => client.workflow.getHandle(streamWorkflowId(streamId)).signal(streamHealthSignal, health)),

    /** What the stream's workflow says now; `gone` also when it is over. Rejects when it cannot be asked. */
    async viewOf(streamId: string): Promise<StreamView | 'gone'> {
      const handle = client.workflow.getHandle(streamWorkflowId(streamId));
      try {
        const { status } = await call(() => handle.describe());
        return status.name === 'RUNNING' ? await call(() => handle.query(stateQuery)) : 'gone';
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return 'gone';
        throw error;
      }
    },
  };
}
