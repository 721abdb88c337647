import js from '@eslint/js';
import importX, { createNodeResolver } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';
import { ENTRY_FILES, ENTRY_MAY_IMPORT, FORBIDDEN_PACKAGES, MAY_IMPORT, ROOMS, TYPES_ONLY } from './tools/lint/rooms.js';

/** A hard look at anything above; generated code does not exist here. */
const MAX_LINES = 300;
/** prettier's width; what it cannot break (texts, comments) is broken by hand. */
const MAX_LINE_LENGTH = 140;

/** One zone per pair of rooms: what a file of the one must not import from the other. */
const zones = Object.entries(MAY_IMPORT).flatMap(([room, allowed]) => {
  const entryAllowed = [...allowed, ...(ENTRY_MAY_IMPORT[room] ?? [])];
  return [...zonesOf(`./${room}/**/!(main).ts`, room, allowed), ...zonesOf(`./${room}/**/main.ts`, room, entryAllowed)];
});

/** @param allowed rooms, folders of rooms, or single files of rooms */
function zonesOf(target, room, allowed) {
  const isAllowed = (other) => allowed.some((path) => other === path || other.startsWith(`${path}/`));
  const closed = ROOMS.filter((other) => other !== room && !isAllowed(other));
  const message = `${room} may import only: ${allowed.join(', ') || 'nothing'} (tools/lint/rooms.js).`;
  return closed.map((other) => ({
    target,
    from: `./${other}`,
    except: allowed.filter((path) => path.startsWith(`${other}/`)).map((path) => `./${path.slice(other.length + 1)}`),
    message,
  }));
}

const depthOf = (room) => room.split('/').length;

/**
 * A room without the packages that would break it; entry files compose, so they are free. Of two that hold for a file the last one
 * counts, which is that of the inner room.
 */
const packageRules = Object.entries(FORBIDDEN_PACKAGES)
  .sort(([a], [b]) => depthOf(a) - depthOf(b))
  .map(([room, regex]) => ({
    files: [`${room}/**/*.ts`],
    ignores: ENTRY_FILES,
    rules: { 'no-restricted-imports': ['error', { patterns: [{ regex, message: `Not a package for ${room} (tools/lint/rooms.js).` }] }] },
  }));

const ONLY_TYPES = 'Only types: the code runs in another process (tools/lint/rooms.js).';

/** Workflow code runs in a sandbox: of what runs elsewhere it knows the shapes. */
const typeRules = Object.entries(TYPES_ONLY).map(([room, others]) => ({
  files: [`${room}/**/*.ts`],
  rules: {
    '@typescript-eslint/no-restricted-imports': [
      'error',
      { patterns: [{ group: others.map((other) => `**/${other}/**`), allowTypeImports: true, message: ONLY_TYPES }] },
    ],
  },
}));

/** What plain JavaScript finds in Node and in browsers. TypeScript knows by itself. */
const GLOBALS = [
  'AbortController',
  'AbortSignal',
  'Buffer',
  'URL',
  'URLSearchParams',
  'clearInterval',
  'clearTimeout',
  'console',
  'document',
  'fetch',
  'history',
  'localStorage',
  'location',
  'matchMedia',
  'navigator',
  'performance',
  'process',
  'setInterval',
  'setTimeout',
  'window',
];

const ONLY_ENTRIES = 'Only entry files read the environment (tools/lint/rooms.js).';

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.holdfast/', 'coverage/'] },
  js.configs.recommended,
  {
    files: ['**/*.{js,mjs,ts}'],
    rules: {
      'max-len': ['error', { code: MAX_LINE_LENGTH }],
      'max-lines': ['warn', { max: MAX_LINES, skipBlankLines: true, skipComments: true }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true } }],
    },
  },
  {
    // What these tools read is the default export.
    files: ['eslint.config.js', 'vitest.config.ts', 'test/support/global-setup.ts'],
    rules: { 'no-restricted-exports': 'off' },
  },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: {
      globals: Object.fromEntries(GLOBALS.map((name) => [name, 'readonly'])),
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: {
      'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.js', '.mjs'], extensionAlias: { '.js': ['.ts', '.js'] } })],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' }],
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-restricted-paths': ['error', { basePath: import.meta.dirname, zones }],
    },
  },
  // Kept word for word, for the histories it has written.
  { files: ['workflows/legacy/**/*.ts'], rules: { 'max-lines': 'off' } },
  ...packageRules,
  ...typeRules,
  {
    files: Object.keys(MAY_IMPORT).map((room) => `${room}/**/*.ts`),
    ignores: ENTRY_FILES,
    rules: {
      'no-restricted-properties': ['error', { object: 'process', property: 'env', message: ONLY_ENTRIES }],
      'no-restricted-syntax': ['error', { selector: "CallExpression[callee.name='readEnvironment']", message: ONLY_ENTRIES }],
    },
  },
);
