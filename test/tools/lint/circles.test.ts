import { join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { circlesIn } from '../../support/imports.js';
import { ROOT, sourceFiles } from '../../support/product-files.js';

it('no files import each other in a circle, not even for types alone', () => {
  const files = sourceFiles('.ts', '.js', '.mjs');
  expect(files.length).toBeGreaterThan(300);
  const circles = circlesIn(files.map((path) => join(ROOT, path)));
  expect(circles.map((circle) => circle.map((path) => relative(ROOT, path)))).toEqual([]);
});
