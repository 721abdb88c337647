import type { Limits } from './fault.js';

/** What one fault did to the broadcast and its viewer. */
export interface Measured {
  longestStallMs: number;
  framesLost: number;
  framesRepeated: number;
  discontinuities: number;
  /** null: the API never said what was true. */
  statusTrueMs: number | null;
  problems: string[];
}

/** Everything that was not as it should be; empty: passed. */
export function failuresOf(measured: Measured, limits: Limits): string[] {
  const { longestStallMs, framesLost, discontinuities, statusTrueMs, problems } = measured;
  const above = (what: string, value: number, limit: number | null, unit = ''): string[] =>
    limit !== null && value > limit ? [`${what} ${value}${unit}, limit ${limit}${unit}`] : [];
  return [
    ...above('stall', longestStallMs, limits.stallMs, ' ms'),
    ...above('frames lost', framesLost, limits.framesLost),
    ...above('discontinuities', discontinuities, limits.discontinuities),
    ...(statusTrueMs === null ? ['the status was never true'] : above('status true after', statusTrueMs, limits.statusMs, ' ms')),
    ...problems,
  ];
}
