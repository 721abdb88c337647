import type { WorkflowClient } from '@temporalio/client';
import { STREAM_STATUSES, type StreamStatus } from '../../domain/stream.js';
import { STREAM_ID_ATTRIBUTE, STREAM_STATUS_ATTRIBUTE } from '../../platform/temporal/search-attributes.js';
import type { StatedStream } from './candidates.js';

/** In a broadcast. */
const BUSY: readonly StreamStatus[] = ['connecting', 'live', 'reconnecting', 'ending'];
/** A database that was restored to before the end of a stream is noticed by it, if it is not longer ago. */
const JUST_ENDED_MS = 60 * 60_000;

/** Visibility's own language. Old runs of a stream are closed and keep the status they had. */
const queryOf = (now: number): string => {
  const busy = BUSY.map((status) => `"${status}"`).join(', ');
  const { name } = STREAM_STATUS_ATTRIBUTE;
  const running = `(ExecutionStatus = "Running" AND ${name} IN (${busy}))`;
  const ended = `(ExecutionStatus = "Completed" AND ${name} = "ended" AND CloseTime > "${new Date(now - JUST_ENDED_MS).toISOString()}")`;
  return `WorkflowType = "streamWorkflow" AND (${running} OR ${ended})`;
};

/** Streams that Temporal calls busy, or that have just ended; idle ones, of which there are many, cost nothing. */
export async function listStreams(workflows: Pick<WorkflowClient, 'list'>, limit: number, now: number): Promise<StatedStream[]> {
  const listed: StatedStream[] = [];
  for await (const { typedSearchAttributes } of workflows.list({ query: queryOf(now) })) {
    const streamId = typedSearchAttributes.get(STREAM_ID_ATTRIBUTE);
    const status = STREAM_STATUSES.find((known) => known === typedSearchAttributes.get(STREAM_STATUS_ATTRIBUTE));
    if (streamId && status) listed.push({ streamId, status });
    if (listed.length >= limit) break;
  }
  return listed;
}
