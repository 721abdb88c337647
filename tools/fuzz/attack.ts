import { setTimeout as delay } from 'node:timers/promises';
import { Random } from './random.js';

/** One kind of hostile input. */
export interface Attack {
  name: string;
  /** Tries once; what came of it, in a word or two. Throws a Finding when Holdfast did what it must not. */
  strike(random: Random): Promise<string>;
}

/** Holdfast answered wrongly, or not at all. */
export class Finding extends Error {}

export interface AttackResult {
  name: string;
  tries: number;
  outcomes: Map<string, number>;
  findings: string[];
}

/** The live stream beside the attacks needs some of the machine, too. */
const PAUSE_MS = 5;
/** More of the same tells nothing new. */
const KEPT_FINDINGS = 20;

/** Strikes again and again until `deadline` (wall clock, ms). Each kind has a sequence of numbers of its own. */
export async function attackUntil(attack: Attack, seed: number, deadline: number): Promise<AttackResult> {
  const random = new Random(seed);
  const result: AttackResult = { name: attack.name, tries: 0, outcomes: new Map(), findings: [] };
  while (Date.now() < deadline) {
    result.tries += 1;
    const outcome = await attack.strike(random).catch((error: unknown) => {
      if (!(error instanceof Finding)) throw error;
      if (result.findings.length < KEPT_FINDINGS) result.findings.push(`try ${result.tries}: ${error.message}`);
      return 'FINDING';
    });
    result.outcomes.set(outcome, (result.outcomes.get(outcome) ?? 0) + 1);
    await delay(PAUSE_MS);
  }
  return result;
}
