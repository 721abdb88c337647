import { Context } from '@temporalio/activity';

/** Well within every heartbeat timeout; a cancellation is learnt by heartbeat, so no later than this. */
const HEARTBEAT_MS = 2000;

/**
 * Waits, heartbeating, for something that goes on by itself; throws `CancelledFailure` as soon as the activity is cancelled.
 *
 * @param wait its signal: nobody waits any more
 * @param progress what an operator sees under "Pending Activities"
 */
export async function whileAttached<T>(wait: (signal: AbortSignal) => Promise<T>, progress: () => unknown = () => undefined): Promise<T> {
  const context = Context.current();
  const beat = (): void => context.heartbeat(progress());
  beat();
  const timer = setInterval(beat, HEARTBEAT_MS);
  try {
    return await Promise.race([wait(context.cancellationSignal), context.cancelled]);
  } catch (error) {
    // Whoever waited may have been told first.
    if (context.cancellationSignal.aborted) return await context.cancelled;
    throw error;
  } finally {
    clearInterval(timer);
  }
}
