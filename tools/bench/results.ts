import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Results live beside the sources, so that a change of speed shows in a diff. */
export async function keepResult(name: string, result: unknown): Promise<string> {
  const dir = join(process.cwd(), 'tools', 'bench', 'results');
  await mkdir(dir, { recursive: true });
  const path = join(dir, `${name}.json`);
  await writeFile(path, `${JSON.stringify(result, null, 2)}\n`);
  return path;
}

/** Rows as an aligned text table, the first row its head. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_cell, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  ');
  return [line(rows[0]!), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.slice(1).map(line)].join('\n');
}
