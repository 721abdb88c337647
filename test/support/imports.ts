import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** An import or a re-export by a relative path, with the word `type` where it takes types alone. */
const IMPORT = /\b(?:import|export)\s+(type\s)?[^'";]*?from\s*'(\.[^']+)'|\bimport\s*\(?\s*'(\.[^']+)'/g;
const SOURCE = /\.(ts|mjs|js)$/;

const sources = new Map<string, string>();

export function sourceOf(path: string): string {
  const known = sources.get(path) ?? readFileSync(path, 'utf8');
  sources.set(path, known);
  return known;
}

/**
 * The files that a file imports by a relative path.
 *
 * @param types also those it takes nothing but types from
 */
export function importsOf(path: string, { types }: { types: boolean }): string[] {
  if (!SOURCE.test(path)) return [];
  const found = [...sourceOf(path).matchAll(IMPORT)].filter(([, typeOnly]) => types || typeOnly === undefined);
  const named = found.map(([, , from, direct]) => resolve(dirname(path), (from ?? direct)!));
  return named.map((name) => (existsSync(name) ? name : name.replace(/\.js$/, '.ts'))).filter(existsSync);
}

/** Circles of files that import each other, each one once, with its files in order. */
export function circlesIn(files: readonly string[]): string[][] {
  const circles: string[][] = [];
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  // Tarjan's strongly connected components.
  const visit = (file: string): void => {
    index.set(file, index.size);
    low.set(file, index.get(file)!);
    stack.push(file);
    for (const next of importsOf(file, { types: true })) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(file, Math.min(low.get(file)!, low.get(next)!));
    }
    if (low.get(file) !== index.get(file)) return;
    const component = stack.splice(stack.indexOf(file));
    if (component.length > 1) circles.push(component.sort());
  };
  for (const file of files) if (!index.has(file)) visit(file);
  return circles;
}
