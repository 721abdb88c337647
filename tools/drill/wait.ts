import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 100;

/** Waits until `probe` gives something truthy; null when the time is over. */
export async function waitFor<T>(probe: () => T | Promise<T>, limitMs: number): Promise<NonNullable<T> | null> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const value = await probe();
    if (value) return value as NonNullable<T>;
    if (performance.now() > deadline) return null;
    await delay(POLL_MS);
  }
}
