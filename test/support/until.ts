import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;
/** Only a hang guard: nothing is asserted about how long things take. */
const GIVE_UP_MS = 30_000;

/** Waits until `probe` gives something truthy and returns it; a probe that throws is asked again. */
export async function until<T>(probe: () => T | Promise<T>, what: string, giveUpMs = GIVE_UP_MS): Promise<NonNullable<T>> {
  const deadline = Date.now() + giveUpMs;
  let lastError: unknown;
  while (Date.now() < deadline) {
    try {
      const value = await probe();
      if (value) return value as NonNullable<T>;
    } catch (error) {
      lastError = error;
    }
    await delay(POLL_MS);
  }
  throw new Error(`Waited in vain for ${what}`, { cause: lastError });
}
