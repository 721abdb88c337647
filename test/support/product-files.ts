import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');

const NO_ROOMS = new Set(['node_modules', 'dist', 'coverage']);

/** Every source file of the repository's folders, by its path from the top. */
export function sourceFiles(...extensions: string[]): string[] {
  const folders = readdirSync(ROOT, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !entry.name.startsWith('.') && !NO_ROOMS.has(entry.name),
  );
  return folders
    .flatMap(({ name }) => readdirSync(join(ROOT, name), { recursive: true, encoding: 'utf8' }).map((path) => join(name, path)))
    .filter((path) => extensions.some((extension) => path.endsWith(extension)))
    .sort();
}
