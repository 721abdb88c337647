import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../support/product-files.js';

const DOCUMENTS = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];
/** Top folders and files are named like this; what a running Holdfast or a build makes is not there. */
const ROOMS = readdirSync(ROOT, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !['node_modules', 'dist', '.holdfast'].includes(entry.name))
  .map(({ name }) => name);
const CODE = /`([\w./@-]+)`/g;
const LINK = /\]\(([^)#]+)(?:#[^)]*)?\)/g;

/** Paths from the top, in code marks: those that begin with one of our folders. */
const namedIn = (text: string): string[] =>
  [...text.matchAll(CODE)].map((match) => match[1]!).filter((path) => path.includes('/') && ROOMS.includes(path.split('/')[0]!));

const linkedIn = (text: string): string[] => [...text.matchAll(LINK)].map((match) => match[1]!).filter((target) => !/^\w+:/.test(target));

describe('every file that a document names is there:', () => {
  it.each(DOCUMENTS)('%s', (document) => {
    const text = readFileSync(join(ROOT, document), 'utf8');
    const named = namedIn(text).filter((path) => !existsSync(join(ROOT, path)));
    const linked = linkedIn(text).filter((target) => !existsSync(join(ROOT, dirname(document), target)));
    expect([...named, ...linked]).toEqual([]);
  });

  it('and some are named', () => {
    expect(namedIn(readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8')).length).toBeGreaterThan(30);
  });
});
