import { ParentClosePolicy, startChild } from '@temporalio/workflow';
import type { MediaSummary } from '../../activities/media.js';
import type { EndCause, StreamStatus } from '../../domain/stream.js';
import { retentionWorkflowId, STREAMS_QUEUE } from '../../domain/task-queues.js';
import { attempt } from '../attempt.js';
import type { BroadcastRecord } from './broadcast-record.js';
import { leaveHost, type FormerHostInput } from '../former-host-workflow.js';
import { mediaCommands } from '../proxies.js';
import { retentionWorkflow } from '../retention-workflow.js';
import type { StreamLifecycle } from './stream-lifecycle.js';

const MS_PER_HOUR = 3_600_000;

export interface Finishing {
  life: StreamLifecycle;
  record: BroadcastRecord;
  hostId: string;
  retentionHours: number;
  /** Hosts it has been on before, and this one if it cannot be reached now: they are finished whenever they can be. */
  left: Omit<FormerHostInput, 'finish'>[];
  /** Closes every restream. */
  endRestreams: () => Promise<void>;
  stopEncoding: () => Promise<void>;
}

/** The defined order: restreams, encoder, playlists, publisher, `stream.ended`, recording. Every step goes on if one before it failed. */
export async function finishBroadcast(cause: EndCause, { life, record, hostId, retentionHours, left, ...steps }: Finishing): Promise<void> {
  const { broadcastId } = record;
  life.transition({ status: 'ending', broadcast: record.projection('ending'), event: { type: 'stream.ending', cause } });
  life.restreams = null;
  await attempt(steps.endRestreams);
  await attempt(steps.stopEncoding);
  const isLost = left.some((former) => former.hostId === hostId);
  const summary = isLost
    ? null
    : await attempt(() => mediaCommands(hostId).finishPlaylists.executeWithOptions({ summary: 'ENDLIST' }, [{ broadcastId }]));
  await dismissPublisher(life, cause);
  record.endedAt = new Date().toISOString();
  life.lastBroadcastId = broadcastId;
  const status = record.settings.reusable ? 'idle' : 'ended';
  const recording = record.settings.record && record.liveAt ? record.recording('processing', summary) : undefined;
  const broadcast = record.projection('ended', cause, summary);
  life.transition({ status, broadcast, ...(recording ? { recording } : {}), event: { type: 'stream.ended', cause, data: { ...summary } } });
  const deleteAfterMs = recording ? null : Math.round(retentionHours * MS_PER_HOUR);
  for (const former of left) {
    // The files of the present one are deleted below.
    const finish = { deleteAfterMs: former.hostId === hostId ? null : deleteAfterMs };
    await attempt(() => leaveHost({ ...former, finish }));
  }
  // All there is of it is on a host that is away: it is told by that one's own workflow.
  if (recording && !isLost) finishRecording(life, record, status, summary);
  else if (deleteAfterMs !== null) await scheduleDeletion(broadcastId, hostId, deleteAfterMs);
  life.broadcastId = null;
  life.hostId = null;
}

async function dismissPublisher(life: StreamLifecycle, cause: EndCause): Promise<void> {
  const publisher = life.publisher;
  if (!publisher) return;
  const input = { publishId: publisher.publishId, reason: `the stream ended: ${cause}` };
  await attempt(() => mediaCommands(publisher.hostId).disconnectPublisher.executeWithOptions({ summary: input.reason }, [input]));
  if (life.publisher?.publishId === publisher.publishId) life.publisher = null;
}

/** The stored segments are the recording: with the playlists finished it can be played. */
function finishRecording(life: StreamLifecycle, record: BroadcastRecord, status: StreamStatus, summary: MediaSummary | null): void {
  const outcome = summary && summary.durationSeconds > 0 ? 'ready' : 'failed';
  life.transition({
    status,
    recording: record.recording(outcome, summary),
    event: { type: `recording.${outcome}`, data: { recordingId: record.recordingId, ...summary } },
  });
}

async function scheduleDeletion(broadcastId: string, hostId: string, afterMs: number): Promise<void> {
  await startChild(retentionWorkflow, {
    workflowId: retentionWorkflowId(broadcastId),
    taskQueue: STREAMS_QUEUE,
    parentClosePolicy: ParentClosePolicy.ABANDON,
    staticSummary: `deletes the segments of ${broadcastId}`,
    args: [{ broadcastId, hostId, afterMs }],
  });
}
