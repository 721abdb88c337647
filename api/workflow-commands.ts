import { randomUUID } from 'node:crypto';
import {
  isGrpcDeadlineError,
  isGrpcServiceError,
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Client,
  type WorkflowHandle,
  type WorkflowStartOptions,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { RestreamState } from '../domain/destination.js';
import { ERROR_KINDS, HoldfastError, type ErrorCode } from '../domain/errors.js';
import { STREAMS_QUEUE, streamWorkflowId } from '../domain/task-queues.js';
import { CALL_DEADLINE_MS } from '../platform/temporal/client.js';
import { STREAM_ID_ATTRIBUTE, STREAM_STATUS_ATTRIBUTE } from '../platform/temporal/search-attributes.js';
import {
  deleteUpdate,
  destinationUpdate,
  disableUpdate,
  enableUpdate,
  endUpdate,
  stateQuery,
  streamKeyRotatedSignal,
  type DestinationCommand,
  type EndResult,
  type StreamState,
  type StreamWorkflowInput,
} from '../workflows/messages.js';

/**
 * What the API asks of a stream's workflow. Every method answers within five seconds; all throw
 * `temporal_unavailable` or `workers_unavailable`. `null` means: the workflow has completed, the stream has ended.
 * `commandId`: the same command with the same id is carried out once.
 */
export interface StreamCommands {
  /** Starts the workflow unless it was ever started. */
  start(streamId: string): Promise<void>;
  end(streamId: string, commandId: string): Promise<EndResult | null>;
  disable(streamId: string, commandId: string): Promise<StreamState | null>;
  enable(streamId: string, commandId: string): Promise<StreamState | null>;
  /** The workflow, or if it has completed a new run of it, ends the stream and removes everything of it. */
  delete(streamId: string): Promise<void>;
  /**
   * `state: null`: nothing is sent to it now. Throws `stream_not_live` for start and retry outside a broadcast.
   */
  destination(streamId: string, command: DestinationCommand, commandId: string): Promise<{ state: RestreamState | null } | null>;
  /** Whoever publishes with the old key has to leave. */
  keyRotated(streamId: string): Promise<void>;
  /** The state by query; rejects when there is no answer within a second. */
  state(streamId: string): Promise<StreamState>;
}

const WORKFLOW_TYPE = 'streamWorkflow';
/** A read has the projection to fall back to: not worth waiting longer for. */
const QUERY_DEADLINE_MS = 1000;
/** Asked only after a deadline has passed, to tell a silent Temporal from missing workers; both fit into 5 s. */
const PROBE_DEADLINE_MS = 500;
/** Failure type Temporal gives an accepted update whose workflow completed before answering it. */
const COMPLETED_BEFORE_ANSWER = 'AcceptedUpdateCompletedWorkflow';
/** gRPC codes of what passes by itself: RESOURCE_EXHAUSTED, ABORTED, UNAVAILABLE. */
const PASSING_GRPC_CODES = [8, 10, 14];

export function createStreamCommands(client: Client): StreamCommands {
  const handleOf = (streamId: string): WorkflowHandle => client.workflow.getHandle(streamWorkflowId(streamId));

  /** All calls of one command share one deadline. */
  async function command<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await client.connection.withDeadline(Date.now() + CALL_DEADLINE_MS, run);
    } catch (error) {
      throw await toCommandError(error, () => probe(client));
    }
  }

  /** False when the workflow was started before and has completed. */
  async function startUnlessCompleted(streamId: string): Promise<boolean> {
    try {
      await client.workflow.start(WORKFLOW_TYPE, startOptions({ streamId }, 'REJECT_DUPLICATE'));
      return true;
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
      throw error;
    }
  }

  /** Null when the workflow has completed; a workflow never started (a crash right after the row was written) is. */
  const ask = <T>(streamId: string, update: (handle: WorkflowHandle) => Promise<T>): Promise<T | null> =>
    command(async () => {
      const handle = handleOf(streamId);
      try {
        return await update(handle);
      } catch (error) {
        if (!isNotRunning(error)) throw error;
      }
      return (await startUnlessCompleted(streamId)) ? update(handle) : null;
    });

  return {
    start: (streamId) => command(async () => void (await startUnlessCompleted(streamId))),
    end: (streamId, commandId) =>
      ask(streamId, (handle) => handle.executeUpdate(endUpdate, { updateId: `end-${commandId}`, args: [{ cause: 'api' }] })),
    disable: (streamId, commandId) => ask(streamId, (handle) => handle.executeUpdate(disableUpdate, { updateId: `disable-${commandId}` })),
    enable: (streamId, commandId) => ask(streamId, (handle) => handle.executeUpdate(enableUpdate, { updateId: `enable-${commandId}` })),

    delete: (streamId) =>
      command(async () => {
        try {
          await handleOf(streamId).executeUpdate(deleteUpdate, { updateId: `delete-${randomUUID()}` });
        } catch (error) {
          if (!isNotRunning(error)) throw error;
          await client.workflow.start(WORKFLOW_TYPE, startOptions({ streamId, purge: true }, 'ALLOW_DUPLICATE'));
        }
      }),

    destination: (streamId, wanted, commandId) =>
      ask(streamId, async (handle) => {
        const updateId = `${wanted.command}-${wanted.destinationId}-${commandId}`;
        return { state: await handle.executeUpdate(destinationUpdate, { updateId, args: [wanted] }) };
      }),

    keyRotated: (streamId) =>
      command(async () => {
        try {
          await handleOf(streamId).signal(streamKeyRotatedSignal);
        } catch (error) {
          // Nobody publishes to a stream without a running workflow.
          if (!isNotRunning(error)) throw error;
        }
      }),

    state: (streamId) => client.connection.withDeadline(Date.now() + QUERY_DEADLINE_MS, () => handleOf(streamId).query(stateQuery)),
  };
}

/** Ids only: whatever stands here is shown in the Temporal UI. */
const startOptions = (input: StreamWorkflowInput, workflowIdReusePolicy: 'REJECT_DUPLICATE' | 'ALLOW_DUPLICATE'): WorkflowStartOptions => ({
  taskQueue: STREAMS_QUEUE,
  workflowId: streamWorkflowId(input.streamId),
  args: [input],
  workflowIdReusePolicy,
  workflowIdConflictPolicy: 'USE_EXISTING',
  typedSearchAttributes: [
    { key: STREAM_ID_ATTRIBUTE, value: input.streamId },
    { key: STREAM_STATUS_ATTRIBUTE, value: 'idle' },
  ],
  staticSummary: input.purge ? `Delete stream ${input.streamId}` : `Stream ${input.streamId}`,
});

function isNotRunning(error: unknown): boolean {
  if (error instanceof WorkflowNotFoundError) return true;
  return failureTypeOf(error) === COMPLETED_BEFORE_ANSWER;
}

function failureTypeOf(error: unknown): string | null {
  if (!(error instanceof WorkflowUpdateFailedError)) return null;
  return error.cause instanceof ApplicationFailure ? (error.cause.type ?? null) : null;
}

const isErrorCode = (code: string | null): code is ErrorCode => code !== null && Object.hasOwn(ERROR_KINDS, code);

/** True when Temporal itself answers. */
async function probe(client: Client): Promise<boolean> {
  try {
    const ask = () => client.workflowService.getSystemInfo({});
    await client.connection.withDeadline(Date.now() + PROBE_DEADLINE_MS, ask);
    return true;
  } catch {
    // The caller reports the call that failed first; this one only told why.
    return false;
  }
}

/** In the terms of the error table; an error that is neither a refusal nor an outage stays what it is. */
async function toCommandError(error: unknown, temporalAnswers: () => Promise<boolean>): Promise<unknown> {
  const code = failureTypeOf(error);
  if (isErrorCode(code)) return new HoldfastError(code, undefined, {}, { cause: error });
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || isDeadline(error)) {
    const unavailable = (await temporalAnswers()) ? 'workers_unavailable' : 'temporal_unavailable';
    return new HoldfastError(unavailable, undefined, {}, { cause: error });
  }
  if (PASSING_GRPC_CODES.includes(grpcCodeOf(error) ?? 0)) {
    return new HoldfastError('temporal_unavailable', undefined, {}, { cause: error });
  }
  return error;
}

function grpcCodeOf(error: unknown): number | null {
  const inner = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(inner) ? inner.code : null;
}

/** True for a command Temporal cannot have received, as nobody took the connection. */
export function wasNeverSent(error: unknown): boolean {
  if (!(error instanceof HoldfastError)) return false;
  const inner = error.cause instanceof ServiceError ? error.cause.cause : error.cause;
  return isGrpcServiceError(inner) && /no connection established/i.test(inner.details);
}

const isDeadline = (error: unknown): boolean => isGrpcDeadlineError(error instanceof ServiceError ? error.cause : error);
