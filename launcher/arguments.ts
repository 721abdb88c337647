import { LauncherError } from './launcher-error.js';

export interface LauncherArguments {
  demo: boolean;
  help: boolean;
}

export const USAGE = `npm start [-- --demo]

  --demo   also create a stream and publish a moving test picture with sound to it
  --help   show this

Settings are environment variables; see README.md.`;

/** @throws LauncherError for an argument it does not know */
export function readArguments(args: readonly string[]): LauncherArguments {
  const known = ['--demo', '--help', '-h'];
  const unknown = args.filter((arg) => !known.includes(arg));
  if (unknown.length > 0) throw new LauncherError(`Unknown argument: ${unknown.join(' ')}\n\n${USAGE}`);
  return { demo: args.includes('--demo'), help: args.includes('--help') || args.includes('-h') };
}
