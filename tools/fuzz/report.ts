import type { FuzzReport } from './fuzz.js';

/** Columns side by side, as wide as their widest cell. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_cell, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const outcomesOf = (outcomes: ReadonlyMap<string, number>): string =>
  [...outcomes]
    .sort(([, one], [, other]) => other - one)
    .map(([outcome, count]) => `${outcome} ${count}`)
    .join(', ');

/** The whole report as text for a terminal. */
export function describeReport({ seed, attacks, processes, frames, problems }: FuzzReport): string {
  const { sent, shown, discontinuities, gaps } = frames;
  return [
    '',
    table([['attack', 'tries', 'outcomes'], ...attacks.map(({ name, tries, outcomes }) => [name, String(tries), outcomesOf(outcomes)])]),
    '',
    table([
      ['process', 'memory', 'descriptors', 'verdict'],
      ...processes.map(({ name, memory, descriptors, problems: found }) => [name, memory, descriptors, found.join(', ') || 'fine']),
    ]),
    '',
    `live stream: ${sent} frames sent, ${shown} shown, ${discontinuities} discontinuities, ${gaps} gaps`,
    '',
    problems.length === 0
      ? 'Everything held.'
      : `${problems.length} problems (again with --seed ${seed}):\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
  ].join('\n');
}
