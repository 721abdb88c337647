import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../support/product-files.js';

/** Milliseconds of each unit that the table or Temporal's durations use. */
const UNITS: Record<string, number> = {
  ms: 1,
  s: 1000,
  seconds: 1000,
  min: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  days: 86_400_000,
};

interface Row {
  what: string;
  after: string;
  path: string;
  /** The constant, behind what it stands in. */
  names: string[];
}

const rows: Row[] = readFileSync(join(ROOT, 'docs/patience.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| .*`[^`]+` \|$/.test(line))
  .map((line) => {
    const [what, after, , where] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    const [path, ...names] = [...where!.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
    return { what: what!, after: after!, path: path!, names };
  });

/** Milliseconds of a text like `2.5 s`. */
function durationOf(text: string): number {
  const [, count, unit] = /^([\d.]+) (\w+)$/.exec(text) ?? [];
  if (count === undefined) throw new Error(`${text} is no duration`);
  return Number(count) * UNITS[unit!]!;
}

/** Milliseconds of a constant, read from its source: most are nobody else's business. */
function valueOf({ path, names }: Row): number {
  let source = readFileSync(join(ROOT, path), 'utf8');
  const name = names.at(-1)!;
  for (const outer of names.slice(0, -1)) source = source.slice(source.search(new RegExp(`\\b${outer}\\b\\s*=`)));
  const [, text] = new RegExp(`\\b${name}\\s*(?::\\s*number\\s*)?[=:]\\s*('[^']*'|[\\d_.* ]+)\\s*[;,]`).exec(source) ?? [];
  if (text === undefined) throw new Error(`${path} has no ${names.join(' ')}`);
  if (text.startsWith("'")) return durationOf(text.slice(1, -1));
  const number = text.split('*').reduce((product, factor) => product * Number(factor.replaceAll('_', '')), 1);
  return /_SECONDS$/.test(name) ? number * UNITS.s! : number;
}

describe('docs/patience.md says what the code does:', () => {
  it('its rows are found', () => {
    expect(rows.length).toBeGreaterThan(30);
  });

  it.each(rows)('$what: $after', (row) => {
    expect(valueOf(row)).toBe(durationOf(row.after));
  });
});
