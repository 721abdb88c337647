import { ParentClosePolicy, sleep, startChild } from '@temporalio/workflow';
import { retentionWorkflowId, STREAMS_QUEUE } from '../domain/task-queues.js';
import { catalog, patientMediaCommands } from './proxies.js';

export interface RetentionInput {
  broadcastId: string;
  hostId: string;
  afterMs: number;
}

/** Deletes an ended broadcast's segments once their time is over: a durable step, whatever restarts meanwhile. */
export async function retentionWorkflow({ broadcastId, hostId, afterMs }: RetentionInput): Promise<void> {
  await sleep(afterMs, { summary: 'segments are kept' });
  await patientMediaCommands(hostId).deleteMedia.executeWithOptions({ summary: broadcastId }, [{ broadcastId }]);
  await catalog.markMediaDeleted(broadcastId);
}

/** Outlives the stream's workflow; resolves once it is certain to run. */
export async function startRetention({ broadcastId, hostId, afterMs }: RetentionInput): Promise<void> {
  await startChild(retentionWorkflow, {
    // What has to go at once may be on several hosts.
    workflowId: afterMs === 0 ? `${retentionWorkflowId(broadcastId)}/${hostId}` : retentionWorkflowId(broadcastId),
    taskQueue: STREAMS_QUEUE,
    parentClosePolicy: ParentClosePolicy.ABANDON,
    staticSummary: `deletes the segments of ${broadcastId}`,
    args: [{ broadcastId, hostId, afterMs }],
  });
}
