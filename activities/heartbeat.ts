import { Context } from '@temporalio/activity';

/** Well within every heartbeat timeout. */
const INTERVAL_MS = 2000;

/** Heartbeats during work that has nothing to report. */
export async function whileHeartbeating<T>(work: () => Promise<T>): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), INTERVAL_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
