import { ApplicationFailure, TemporalFailure } from '@temporalio/common';
import { HoldfastError } from '../domain/errors.js';
import { redactText } from '../platform/log/redact.js';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the widest function type; each activity keeps its own
type AnyActivity = (...args: any[]) => Promise<unknown>;

/** What Temporal records of an error: a stable type, retryable or not by the table, and no address or key in the text. */
export function toFailure(error: unknown): Error {
  if (error instanceof TemporalFailure) return error;
  if (error instanceof HoldfastError) {
    return ApplicationFailure.create({
      type: error.code,
      message: redactText(error.message),
      nonRetryable: !error.kind.retryable,
      details: [error.details],
    });
  }
  // Anything else is a dependency that does not answer or a fault of ours: worth another try, told without its stack.
  const cause = error instanceof Error ? error : new Error(String(error));
  return ApplicationFailure.create({ type: cause.name, message: redactText(cause.message) });
}

/** Every activity of a room with its errors told as above. */
export function withFailures<T extends Record<string, AnyActivity>>(activities: T): T {
  const wrapped = Object.entries(activities).map(([name, activity]) => [
    name,
    async (...args: unknown[]): Promise<unknown> => {
      try {
        return await activity(...args);
      } catch (error) {
        throw toFailure(error);
      }
    },
  ]);
  return Object.fromEntries(wrapped) as T;
}
