import { basename, dirname, join, relative, resolve } from 'node:path';
import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';
import { MAY_IMPORT, ROOMS } from '../../../tools/lint/rooms.js';
import { importsOf } from '../../support/imports.js';
import { ROOT, sourceFiles } from '../../support/product-files.js';

const eslint = new ESLint({ cwd: ROOT });

/** Rules that are broken when `text` is the content of a file there is. */
async function broken(path: string, text: string): Promise<(string | null)[]> {
  const [result] = await eslint.lintText(text, { filePath: resolve(ROOT, path) });
  return [...new Set(result!.messages.map(({ ruleId }) => ruleId))];
}

const PATHS = 'import-x/no-restricted-paths';
const PACKAGES = 'no-restricted-imports';

/** A file with what makes a circle of it and one that imports it. */
function circle(): [path: string, text: string] {
  const pairs = sourceFiles('.ts').flatMap((importer) =>
    importsOf(join(ROOT, importer), { types: false }).map((imported) => ({ importer, imported: relative(ROOT, imported) })),
  );
  const { importer, imported } = pairs.find((pair) => dirname(pair.importer) === 'domain' && dirname(pair.imported) === 'domain')!;
  return [imported, `export * from './${basename(importer, '.ts')}.js';`];
}

describe('the linter finds', () => {
  it.each([
    ['domain that imports another room', 'domain/stream.ts', "export * from '../platform/log/redact.js';", PATHS],
    ['media that imports the ingest', 'media/control-client.ts', "export * from '../ingest/limits.js';", PATHS],
    ['the API that imports a workflow', 'api/mount.ts', "export * from '../workflows/index.js';", PATHS],
    ['the origin that connects the database', 'origin/metrics.ts', "export * from '../platform/db/connection.js';", PATHS],
    ['a room that imports a test', 'media/control-client.ts', "export * from '../test/support/until.js';", PATHS],
    ['a room that imports a tool', 'platform/log/redact.ts', "export * from '../../tools/options.js';", PATHS],
    ['domain with a package', 'domain/stream.ts', "export * from 'zod';", PACKAGES],
    ['domain with a part of Node', 'domain/stream.ts', "export * from 'node:fs';", PACKAGES],
    ['a workflow with a part of Node', 'workflows/index.ts', "export * from 'node:fs';", PACKAGES],
    ['an origin with Express', 'origin/metrics.ts', "export * from 'express';", PACKAGES],
    ['playlists that read files', 'origin/hls/part-target.ts', "export * from 'node:fs';", PACKAGES],
    ['an activity that is a workflow client', 'activities/media.ts', "export * from '@temporalio/client';", PACKAGES],
    ['an ingest with a database', 'ingest/limits.ts', "export * from 'pg';", PACKAGES],
    [
      'a workflow that imports an activity as a value',
      'workflows/index.ts',
      "import { createMediaActivities } from '../activities/media.js';\nexport const x = createMediaActivities;",
      '@typescript-eslint/no-restricted-imports',
    ],
    ['the environment outside of an entry', 'ingest/limits.ts', 'export const port = process.env.PORT;', 'no-restricted-properties'],
    [
      'settings that are read outside of an entry',
      'api/mount.ts',
      "import { readEnvironment } from '../platform/config/env.js';\nexport const x = readEnvironment();",
      'no-restricted-syntax',
    ],
    ['a circle', ...circle(), 'import-x/no-cycle'],
    ['a line that is too long', 'domain/stream.ts', `/** ${'word '.repeat(30)} */\nexport const x = 1;`, 'max-len'],
    ['a long text', 'domain/stream.ts', `export const x = '${'word '.repeat(30)}';`, 'max-len'],
    ['a promise nobody waits for', 'media/control-client.ts', 'fetch("x");', '@typescript-eslint/no-floating-promises'],
  ])('%s', async (_what, path, text, rule) => {
    expect(await broken(path, text)).toContain(rule);
  });

  it.each([
    ['a workflow that imports types of an activity', 'workflows/index.ts', "export type * from '../activities/media.js';"],
    ['an entry that reads the environment', 'api/main.ts', 'export const port = process.env.PORT;'],
    ['a room that imports what it may', 'media/control-client.ts', "export * from '../domain/stream.js';"],
  ])('nothing wrong with %s', async (_what, path, text) => {
    expect(await broken(path, text)).toEqual([]);
  });
});

describe('the set of rules', () => {
  it('names a room for every file', () => {
    const stray = sourceFiles('.ts').filter((path) => !ROOMS.some((room) => path.startsWith(`${room}/`)));
    expect(stray).toEqual([]);
  });

  it('names no room and no file that is not there', () => {
    const files = sourceFiles('.ts');
    const named = [...Object.keys(MAY_IMPORT), ...Object.values(MAY_IMPORT).flat()];
    expect(named.filter((name) => !files.some((path) => path === name || path.startsWith(`${name}/`)))).toEqual([]);
  });
});
