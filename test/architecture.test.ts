import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Who may import whom. Entry files (`main.ts`, workers) compose, so they may import more; listed apart. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  domain: [],
  contracts: ['domain'],
  hls: ['domain'],
  config: [],
  log: [],
  auth: ['domain'],
  ops: ['log', 'domain'],
  temporal: ['domain'],
  workflows: ['domain', 'contracts', 'temporal', 'activities'],
  media: ['domain', 'contracts', 'log'],
  activities: ['domain', 'contracts', 'media', 'log'],
  db: ['domain', 'contracts', 'auth'],
  ingest: ['domain', 'contracts', 'log', 'ops', 'temporal', 'workflows'],
  origin: ['domain', 'contracts', 'hls', 'auth', 'log', 'ops'],
  api: ['domain', 'contracts', 'db', 'auth', 'temporal', 'workflows', 'log', 'ops'],
};
const ENTRIES = /^(api|ingest|origin|origin\/viewers)\/main\.ts$/;
const ENTRIES_MAY_ALSO = ['config', 'db', 'auth', 'temporal', 'log', 'ops'];
/** Packages that would break a room: the workflow sandbox, purity, or another room's job. */
const FORBIDDEN_PACKAGES: Record<string, RegExp> = {
  domain: /^/,
  hls: /^(?!node:zlib$)/,
  contracts: /^/,
  workflows: /^(?!@temporalio\/(workflow|common)$)/,
  media: /^(knex|pg|@temporalio\/|express)/,
  activities: /^(knex|pg|express|@temporalio\/(client|worker|workflow))/,
  api: /^(fluent-ffmpeg|node-media-server)/,
  origin: /^(express|knex|pg|@temporalio\/)/,
  ingest: /^(knex|pg|express|fluent-ffmpeg)/,
};

interface Import {
  file: string;
  room: string;
  /** Path within the project, or the package's name. */
  target: string;
  internal: boolean;
  typeOnly: boolean;
}

const filesIn = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => join(folder, name));

const IMPORT = /^\s*(?:import|export)\s+(type\s)?[^'";]*?from\s+'([^']+)'|^\s*import\s+'([^']+)'/gm;

function importsOf(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(IMPORT)].map((match) => {
    const name = (match[2] ?? match[3])!;
    const internal = name.startsWith('.');
    const target = internal ? relative(ROOT, normalize(join(ROOT, dirname(file), name))).replace(/\.js$/, '.ts') : name;
    return { file, room: file.split('/')[0]!, target, internal, typeOnly: match[1] !== undefined };
  });
}

const imports = Object.keys(MAY_IMPORT).flatMap(filesIn).flatMap(importsOf);

describe('the rooms', () => {
  it('have files to look at', () => {
    expect(imports.length).toBeGreaterThan(200);
  });

  it('import only the rooms they may', () => {
    const wrong = imports.filter(({ file, room, target, internal }) => {
      const other = target.split('/')[0]!;
      if (!internal || other === room) return false;
      return !MAY_IMPORT[room]!.includes(other) && !(ENTRIES.test(file) && ENTRIES_MAY_ALSO.includes(other));
    });
    expect(wrong.map(({ file, target }) => `${file} → ${target}`)).toEqual([]);
  });

  it('keep their packages out that do not belong there', () => {
    const wrong = imports.filter(({ file, room, target, internal }) => !internal && !ENTRIES.test(file) && FORBIDDEN_PACKAGES[room]?.test(target));
    expect(wrong.map(({ file, target }) => `${file} → ${target}`)).toEqual([]);
  });

  it('take activities into workflows as types only, and message definitions without workflow code', () => {
    const values = imports.filter(({ room, target, typeOnly }) => room === 'workflows' && target.startsWith('activities/') && !typeOnly);
    const stories = imports.filter(({ room, target }) => room !== 'workflows' && target.startsWith('workflows/') && target !== 'workflows/messages.ts');
    expect([...values, ...stories].map(({ file, target }) => `${file} → ${target}`)).toEqual([]);
  });

  it('have no import cycles', () => {
    const next = new Map<string, string[]>();
    for (const { file, target, internal, typeOnly } of imports) if (internal && !typeOnly) next.set(file, [...(next.get(file) ?? []), target]);
    const cycles: string[] = [];
    const done = new Set<string>();
    const visit = (file: string, path: string[]): void => {
      if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      if (path.includes(file) || done.has(file)) return;
      for (const target of next.get(file) ?? []) visit(target, [...path, file]);
      done.add(file);
    };
    for (const file of next.keys()) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it('read the environment in entry files only', () => {
    const readers = [...Object.keys(MAY_IMPORT), 'workers'].flatMap(filesIn).filter((file) => {
      const text = readFileSync(join(ROOT, file), 'utf8');
      return /process\.env\b/.test(text) || /readEnvironment\(\)/.test(text);
    });
    const allowed = /^(config\/env\.ts|(api|ingest|origin|origin\/viewers)\/main\.ts|workers\/(stream|media)-worker\.ts)$/;
    expect(readers.filter((file) => !allowed.test(file))).toEqual([]);
  });
});
