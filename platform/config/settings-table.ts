import { homedir } from 'node:os';
import { ENVIRONMENT } from './env.js';

const ALIGNED_HEAD = ['| variable | default | |', '|---|---|---|'];

/** The README's table of settings, from the one schema. Paths of this machine are shown as `~`. */
export function settingsTable(): string {
  const defaults = ENVIRONMENT.partial().parse({}) as Record<string, unknown>;
  const rows = Object.entries(ENVIRONMENT.shape).map(([name, schema]) => {
    const fallback = defaults[name];
    return `| \`${name}\` | ${shown(fallback)} | ${schema.description ?? ''} |`;
  });
  return [...ALIGNED_HEAD, ...rows].join('\n');
}

function shown(value: unknown): string {
  if (value === undefined) return '';
  if (value === false) return '`0`';
  const text = String(value).replace(`${process.cwd()}/`, '').replace(homedir(), '~');
  return `\`${text}\``;
}

const MARKS = /(<!-- settings:[^\n]*-->\n)[\s\S]*(<!-- \/settings -->)/;

/** A text with the table between its marks brought up to date. */
export const withSettingsTable = (text: string): string => text.replace(MARKS, `$1${settingsTable()}\n$2`);
