import { flag, readOptions, wholeNumber, words } from '../options.js';

const NAME_WIDTH = 30;

/** Start/stop cycles where nothing else is asked for: enough for a leak of one thing per cycle to stand out. */
const DEFAULT_CYCLES = 200;

/** Beside the faults: nothing is killed, a stream starts and stops again and again. */
export const CYCLES = 'cycles';
/** The same with a publisher that goes and comes back in one broadcast. */
export const RECONNECTS = 'reconnects';

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
  --cycles  how often \`cycles\` and \`reconnects\` do what they do

${faults.map(({ name, title }) => `  ${name.padEnd(NAME_WIDTH)}${title}`).join('\n')}
  ${CYCLES.padEnd(NAME_WIDTH)}start and stop one stream again and again: nothing is left over, nothing grows
  ${RECONNECTS.padEnd(NAME_WIDTH)}a publisher goes and comes back again and again: one broadcast, one encoder, no lost record`;

/** @throws OptionError with what is wrong */
export const readArguments = (args: readonly string[]): DrillArguments =>
  readOptions(args, { only: words(null), short: flag, cycles: wholeNumber(1, DEFAULT_CYCLES) });
