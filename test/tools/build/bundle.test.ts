import { relative, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { isBundled } from '../../../tools/build/build.mjs';
import { importsOf } from '../../support/imports.js';
import { ROOT } from '../../support/product-files.js';

it('the workflow bundle is made anew when any file changes that it is made of', () => {
  const reached = new Set([resolve(ROOT, 'workflows/index.ts')]);
  for (const path of reached) for (const imported of importsOf(path, { types: false })) reached.add(imported);
  const files = [...reached].map((path) => relative(ROOT, path));
  expect(files.length).toBeGreaterThan(10);
  expect(files.filter((path) => !isBundled(path))).toEqual([]);
});

it('but not when a process beside the workflows changes', () => {
  expect(['api/main.js', 'media/control-client.js', 'activities/media.js', 'workflows.js'].filter(isBundled)).toEqual([]);
});
