const NAME_WIDTH = 30;

/** Start/stop cycles where nothing else is asked for: enough for a leak of one thing per cycle to stand out. */
const DEFAULT_CYCLES = 200;

/** Beside the faults: nothing is killed, a stream starts and stops again and again. */
export const CYCLES = 'cycles';

export interface DrillArguments {
  /** Names of faults; null = all of the chosen set. */
  only: string[] | null;
  short: boolean;
  cycles: number;
}

export const usage = (
  faults: readonly { name: string; title: string }[],
): string => `npm run drill [-- --short] [--only NAME,NAME] [--cycles ${DEFAULT_CYCLES}]

  --short   the faults a CI run has time for
  --only    these faults alone
  --cycles  start/stop cycles of the fault \`cycles\`

${faults.map(({ name, title }) => `  ${name.padEnd(NAME_WIDTH)}${title}`).join('\n')}
  ${CYCLES.padEnd(NAME_WIDTH)}start and stop one stream again and again: nothing is left over, nothing grows`;

/** @throws Error with what is wrong */
export function readArguments(args: readonly string[]): DrillArguments {
  const result: DrillArguments = { only: null, short: false, cycles: DEFAULT_CYCLES };
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]!;
    if (arg === '--short') result.short = true;
    else if (arg === '--only') result.only = (args[++index] ?? '').split(',').filter(Boolean);
    else if (arg === '--cycles') result.cycles = Number(args[++index]);
    else throw new Error(`Unknown argument: ${arg}`);
  }
  if (result.only?.length === 0) throw new Error('--only needs the name of a fault');
  if (!Number.isInteger(result.cycles) || result.cycles < 1) throw new Error('--cycles takes a whole number from 1');
  return result;
}
