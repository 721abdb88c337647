import { LauncherError } from './launcher-error.js';

export interface LauncherArguments {
  demo: boolean;
  help: boolean;
  /** Milliseconds without a sign of life after which a process is killed; null = as always. */
  hungAfterMs: number | null;
}

const HUNG_AFTER = '--hung-after=';
const MS_PER_SECOND = 1000;

export const USAGE = `npm start [-- --demo] [--hung-after=SECONDS]

  --demo   also create a stream and publish a moving test picture with sound to it
  --hung-after=SECONDS   kill a process that gives no sign of life for so long (15)
  --help   show this

Settings are environment variables; see README.md.`;

/** @throws LauncherError for an argument it does not know */
export function readArguments(args: readonly string[]): LauncherArguments {
  const known = ['--demo', '--help', '-h'];
  const hungAfter = args.find((arg) => arg.startsWith(HUNG_AFTER));
  const unknown = args.filter((arg) => !known.includes(arg) && arg !== hungAfter);
  if (unknown.length > 0) throw new LauncherError(`Unknown argument: ${unknown.join(' ')}\n\n${USAGE}`);
  const seconds = hungAfter === undefined ? null : Number(hungAfter.slice(HUNG_AFTER.length));
  if (seconds !== null && !(seconds > 0)) throw new LauncherError(`${HUNG_AFTER}SECONDS takes a number above 0\n\n${USAGE}`);
  const hungAfterMs = seconds === null ? null : seconds * MS_PER_SECOND;
  return { hungAfterMs, demo: args.includes('--demo'), help: args.includes('--help') || args.includes('-h') };
}
