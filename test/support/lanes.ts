import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { importsOf, sourceOf } from './imports.js';
import { ROOT } from './product-files.js';

const TESTS = join(ROOT, 'test');
/** Who reaches one of these fills the machine: a whole Holdfast, or a browser that decodes. */
const WHOLE = ['tools/launcher/stack/stack.ts', 'test/support/player.ts'].map((path) => join(ROOT, path));
/** Who reaches this starts real programs: ffmpeg, Temporal, Postgres. */
const PROGRAMS = [join(ROOT, 'test/support/toolchain.ts')];
/** Programs of ours are started from the built files. */
const BUILT = /['"`/]dist\//;
/**
 * How test files may run. `fast`: they need nothing but Node. `parts`: real programs, which mostly wait, so that three files run at
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
  for (const path of reached) for (const imported of importsOf(path, { types: false })) reached.add(imported);
  if (WHOLE.some((path) => reached.has(path))) return 'whole';
  const paths = [...reached];
  const needsPrograms = PROGRAMS.some((path) => reached.has(path)) || paths.some((path) => isTest(path) && BUILT.test(sourceOf(path)));
  return needsPrograms ? 'parts' : 'fast';
}

const isTest = (path: string): boolean => !relative(TESTS, path).startsWith('..');
