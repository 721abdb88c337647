import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { StreamHealth } from '../domain/contracts/stream-health.js';
import { streamWorkflowId } from '../domain/task-queues.js';
import { streamHealthSignal } from '../workflows/messages.js';

/** Of an activity: puts something into its stream's timeline. A workflow that is gone needs no telling. */
export async function tellStreamHealth(streamId: string, health: StreamHealth): Promise<void> {
  try {
    await Context.current().client.workflow.getHandle(streamWorkflowId(streamId)).signal(streamHealthSignal, health);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
