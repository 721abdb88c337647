/** Encoder restarts allowed within RESTART_WINDOW_MS before the broadcast is given up. */
export const MAX_RESTARTS = 6;
/** An encoder that never produced a picture will not produce one at the sixth try either. */
export const MAX_RESTARTS_BEFORE_PLAYABLE = 2;
export const RESTART_WINDOW_MS = 60_000;
/** The first restart is immediate (viewers wait); later ones leave a broken machine room to recover. */
const RESTART_DELAYS_MS = [0, 500, 1000, 2000, 4000, 8000];

export type RestartDecision = { restart: true; delayMs: number } | { restart: false };

/**
 * What to do after an encoder ended although its publisher is there.
 *
 * @param failures times (ms) of the failures of this broadcast, the present one last
 * @param wasPlayable whether the broadcast has been playable at all
 */
export function decideRestart(failures: readonly number[], wasPlayable: boolean): RestartDecision {
  const now = failures.at(-1) ?? 0;
  const recent = failures.filter((time) => now - time < RESTART_WINDOW_MS).length;
  if (recent > (wasPlayable ? MAX_RESTARTS : MAX_RESTARTS_BEFORE_PLAYABLE)) return { restart: false };
  return { restart: true, delayMs: RESTART_DELAYS_MS[Math.max(0, recent - 1)] ?? RESTART_DELAYS_MS.at(-1)! };
}
