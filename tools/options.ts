import { parseArgs } from 'node:util';

/** One option of a command: how its text is read, and what it is when it is not given. */
export interface Option<T> {
  /** Takes no value. */
  isFlag: boolean;
  fallback: T;
  /** @returns undefined for a text that is no value of it */
  read(text: string): T | undefined;
  /** What it takes, as the end of a sentence. */
  takes: string;
}

/** What is wrong with the arguments of a command, for the person who typed them. */
export class OptionError extends Error {
  override readonly name = 'OptionError';
}

export const flag: Option<boolean> = { isFlag: true, fallback: false, read: () => true, takes: 'no value' };

/** Words with commas between them. */
export const words = <T extends string[] | null>(fallback: T): Option<string[] | T> => ({
  isFlag: false,
  fallback,
  read: (given) => {
    const list = given.split(',').filter(Boolean);
    return list.length > 0 ? list : undefined;
  },
  takes: 'one word or more, with commas between them',
});

const numeric = <T extends number | null>(fallback: T, isGood: (value: number) => boolean, takes: string): Option<number | T> => ({
  isFlag: false,
  fallback,
  read: (given) => {
    const value = Number(given);
    return given.trim() !== '' && isGood(value) ? value : undefined;
  },
  takes,
});

export const wholeNumber = <T extends number | null>(least: number, fallback: T): Option<number | T> =>
  numeric(fallback, (value) => Number.isInteger(value) && value >= least, `a whole number from ${least}`);

export const numberAbove0 = <T extends number | null>(fallback: T): Option<number | T> =>
  numeric(fallback, (value) => value > 0 && Number.isFinite(value), 'a number above 0');

export type OptionValues<Options extends Record<string, Option<unknown>>> = { [Name in keyof Options]: Options[Name]['fallback'] };

/**
 * @param args what was typed after the command's name
 * @throws OptionError for an option it does not know, a value that is none, and words that belong to no option
 */
export function readOptions<Options extends Record<string, Option<unknown>>>(
  args: readonly string[],
  options: Options,
): OptionValues<Options> {
  const entries = Object.entries(options);
  const given = parsed(args, entries);
  const values = entries.map(([name, option]) => {
    const typed = given[name];
    const value = typed === undefined ? option.fallback : option.read(String(typed));
    if (value === undefined && typed !== undefined) throw new OptionError(`--${name} takes ${option.takes}`);
    return [name, value];
  });
  return Object.fromEntries(values) as OptionValues<Options>;
}

function parsed(args: readonly string[], entries: readonly [string, Option<unknown>][]): Record<string, unknown> {
  const types = entries.map(([name, { isFlag }]) => [name, { type: isFlag ? ('boolean' as const) : ('string' as const) }]);
  try {
    return parseArgs({ args: [...args], options: { ...Object.fromEntries(types), help: { type: 'boolean', short: 'h' } } }).values;
  } catch (error) {
    // The first sentence; what follows explains how to pass something that looks like an option.
    throw new OptionError((error as Error).message.split('. ')[0], { cause: error });
  }
}

/** Whether somebody asks for the usage: then nothing else that was typed matters. */
export const asksForHelp = (args: readonly string[]): boolean => args.includes('--help') || args.includes('-h');
