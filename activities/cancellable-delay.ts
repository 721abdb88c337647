import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';

/**
 * Waits, or throws `CancelledFailure` as soon as the activity is cancelled. Leaves nothing behind: a race against
 * `context.cancelled` would, each time, as long as the activity runs.
 */
export async function cancellableDelay(ms: number): Promise<void> {
  const { cancelled, cancellationSignal: signal } = Context.current();
  await delay(ms, undefined, { signal }).catch(() => undefined);
  if (signal.aborted) await cancelled;
}
