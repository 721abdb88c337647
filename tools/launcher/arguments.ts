import { asksForHelp, flag, numberAbove0, OptionError, readOptions } from '../options.js';
import { LauncherError } from './launcher-error.js';

export interface LauncherArguments {
  demo: boolean;
  help: boolean;
  /** Milliseconds without a sign of life after which a process is killed; null = as always. */
  hungAfterMs: number | null;
}

const MS_PER_SECOND = 1000;

export const USAGE = `npm start [-- --demo] [--hung-after=SECONDS]

  --demo   also create a stream and publish a moving test picture with sound to it
  --hung-after=SECONDS   kill a process that gives no sign of life for so long (15)
  --help   show this

Settings are environment variables; see README.md.`;

/** @throws LauncherError for an argument it does not know */
export function readArguments(args: readonly string[]): LauncherArguments {
  if (asksForHelp(args)) return { hungAfterMs: null, demo: false, help: true };
  try {
    const { demo, 'hung-after': seconds } = readOptions(args, { demo: flag, 'hung-after': numberAbove0(null) });
    return { hungAfterMs: seconds === null ? null : seconds * MS_PER_SECOND, demo, help: false };
  } catch (error) {
    if (error instanceof OptionError) throw new LauncherError(`${error.message}\n\n${USAGE}`, { cause: error });
    throw error;
  }
}
