import { sleep } from '@temporalio/workflow';
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
