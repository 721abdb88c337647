import { ParentClosePolicy, sleep, startChild } from '@temporalio/workflow';
import { formerHostWorkflowId, STREAMS_QUEUE } from '../domain/task-queues.js';
import { catalog, patientMediaCommands } from './proxies.js';

export interface FormerHostInput {
  broadcastId: string;
  hostId: string;
  /** Encoders up to this one are ended; a later one belongs to a broadcast that has come back to this host. */
  epoch: number;
  /** Who published there last. */
  publishId: string | null;
  /** The same for restreams: connections up to this number. */
  restreams: { destinationId: string; attempt: number }[];
  /** null: the broadcast goes on elsewhere and may still come back. */
  finish: { /** null: recorded, so its files stay. */ deleteAfterMs: number | null } | null;
}

/**
 * What a broadcast has left behind on a media host that it has moved away from, or that was gone when it ended: ended, and
 * finished, as soon as that host can be reached, be that in days. So nothing there disturbs the present host.
 */
export async function formerHostWorkflow({ broadcastId, hostId, epoch, publishId, restreams, finish }: FormerHostInput): Promise<void> {
  const media = patientMediaCommands(hostId);
  await Promise.all([
    media.stopTranscode.executeWithOptions({ summary: `stop encoder ${epoch}` }, [{ broadcastId, epoch }]),
    ...restreams.map((restream) =>
      media.stopRestream.executeWithOptions({ summary: 'close the connection' }, [{ broadcastId, ...restream }]),
    ),
    ...(publishId
      ? [media.disconnectPublisher.executeWithOptions({ summary: 'left' }, [{ publishId, reason: 'the broadcast goes on elsewhere' }])]
      : []),
  ]);
  if (!finish) return;
  const summary = await media.finishPlaylists.executeWithOptions({ summary: 'ENDLIST' }, [{ broadcastId }]);
  await catalog.recordPart.executeWithOptions({ summary: `part of ${hostId}` }, [{ broadcastId, hostId, ...summary }]);
  if (finish.deleteAfterMs === null) return;
  await sleep(finish.deleteAfterMs, { summary: 'segments are kept' });
  await media.deleteMedia.executeWithOptions({ summary: broadcastId }, [{ broadcastId }]);
}

/** Outlives the stream's workflow; resolves once it is certain to run. */
export async function leaveHost(input: FormerHostInput): Promise<void> {
  const { broadcastId, hostId, epoch, finish } = input;
  await startChild(formerHostWorkflow, {
    workflowId: formerHostWorkflowId(broadcastId, hostId, finish ? 'end' : String(epoch)),
    taskQueue: STREAMS_QUEUE,
    parentClosePolicy: ParentClosePolicy.ABANDON,
    staticSummary: `${finish ? 'finishes' : 'ends'} what ${hostId} has of ${broadcastId}`,
    args: [input],
  });
}
