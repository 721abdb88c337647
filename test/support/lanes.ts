import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const TESTS = join(ROOT, 'test');
/** Who reaches one of these fills the machine: a whole Holdfast, or a browser that decodes. */
const WHOLE = ['tools/launcher/stack/stack.ts', 'test/support/player.ts'].map((path) => join(ROOT, path));
/** Who reaches this starts real programs: ffmpeg, Temporal, Postgres. */
const PROGRAMS = [join(ROOT, 'test/support/toolchain.ts')];
/** Programs of ours are started from the built files. */
const BUILT = /['"`/]dist\//;
/** The relative path of an import or a re-export; types alone lead nowhere. */
const IMPORT = /\b(?:import|export)\s+(?!type\b)[^'";]*?from\s*'(\.[^']+)'|\bimport\s*\(?\s*'(\.[^']+)'/g;

/**
 * How test files may run. `fast`: they need nothing but Node. `parts`: real programs, which mostly wait, so that two files run at
 * the same time. `whole`: one at a time, or the machine would be too slow for what they look at.
 */
export type Lane = 'fast' | 'parts' | 'whole';

/** Every test file by its lane, found out from what its imports lead to: nobody has to keep a list. */
export function testFiles(): Record<Lane, string[]> {
  const names = readdirSync(TESTS, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts'));
  const files: Record<Lane, string[]> = { fast: [], parts: [], whole: [] };
  for (const name of names.sort()) files[laneOf(join(TESTS, name))].push(join('test', name));
  return files;
}

function laneOf(file: string): Lane {
  const reached = new Set([file]);
  for (const path of reached) for (const imported of importsOf(path)) reached.add(imported);
  if (WHOLE.some((path) => reached.has(path))) return 'whole';
  const paths = [...reached];
  const needsPrograms = PROGRAMS.some((path) => reached.has(path)) || paths.some((path) => isTest(path) && BUILT.test(sourceOf(path)));
  return needsPrograms ? 'parts' : 'fast';
}

const isTest = (path: string): boolean => !relative(TESTS, path).startsWith('..');

const sources = new Map<string, string>();
function sourceOf(path: string): string {
  const known = sources.get(path) ?? readFileSync(path, 'utf8');
  sources.set(path, known);
  return known;
}

/** The files that a file imports by a relative path. */
function importsOf(path: string): string[] {
  if (!/\.(ts|mjs|js)$/.test(path)) return [];
  const named = [...sourceOf(path).matchAll(IMPORT)].map((match) => resolve(dirname(path), (match[1] ?? match[2])!));
  return named.map((name) => (existsSync(name) ? name : name.replace(/\.js$/, '.ts'))).filter(existsSync);
}
