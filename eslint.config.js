import { builtinModules } from 'node:module';
import js from '@eslint/js';
import importX, { createNodeResolver } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/** A hard look at anything above; generated code does not exist here. */
const MAX_LINES = 300;

/**
 * Who may import whom. What is not listed for a room must not be imported there; only the composing rooms (launcher,
 * bench, drill, test) may import everything. A room's `main.ts` is its composition and may import some more.
 */
const ROOMS = [
  'activities', 'api', 'auth', 'bench', 'config', 'contracts', 'db', 'domain', 'drill', 'fuzz', 'hls', 'ingest', 'launcher', 'log',
  'media', 'ops', 'origin', 'temporal', 'test', 'web', 'workers', 'workflows',
];
const MAY_IMPORT = {
  domain: [],
  contracts: ['domain'],
  log: [],
  config: ['domain'],
  hls: ['domain'],
  auth: ['domain', 'contracts'],
  ops: ['log', 'domain'],
  temporal: ['domain', 'log'],
  workflows: ['domain', 'contracts', 'activities', 'temporal/search-attributes.ts'],
  db: ['domain', 'contracts', 'auth', 'log'],
  media: ['domain', 'contracts', 'log'],
  activities: ['domain', 'contracts', 'media', 'log'],
  ingest: ['domain', 'contracts', 'log', 'ops', 'temporal', 'workflows/messages.ts'],
  origin: ['domain', 'contracts', 'hls', 'log', 'ops', 'auth'],
  api: ['domain', 'contracts', 'db', 'auth', 'temporal', 'workflows/messages.ts', 'log', 'ops', 'config'],
  workers: [
    'activities', 'auth', 'config', 'contracts', 'db', 'domain', 'log', 'media', 'ops', 'temporal', 'workflows',
  ],
};
const MAIN_MAY_IMPORT = {
  ingest: ['config', 'db', 'auth'],
  origin: ['config', 'db'],
  api: ['config'],
};

/** One zone per pair of rooms: what a file of the one must not import from the other. */
const zones = Object.entries(MAY_IMPORT).flatMap(([room, allowed]) => [
  ...zonesOf(`./${room}/**/!(main).ts`, room, allowed),
  ...zonesOf(`./${room}/**/main.ts`, room, [...allowed, ...(MAIN_MAY_IMPORT[room] ?? [])]),
]);

/** @param allowed rooms, or single files of rooms */
function zonesOf(target, room, allowed) {
  const closed = ROOMS.filter((other) => other !== room && !allowed.includes(other));
  const message = `${room} may import only: ${allowed.join(', ') || 'nothing'}.`;
  return closed.map((other) => ({
    target,
    from: `./${other}`,
    except: allowed.filter((path) => path.startsWith(`${other}/`)).map((path) => `./${path.slice(other.length + 1)}`),
    message,
  }));
}

/** What plain JavaScript finds in Node and in browsers. TypeScript knows by itself. */
const GLOBALS = [
  'AbortController', 'AbortSignal', 'Buffer', 'URL', 'URLSearchParams', 'clearInterval', 'clearTimeout', 'console',
  'document', 'fetch', 'history', 'localStorage', 'location', 'matchMedia', 'navigator', 'performance', 'process',
  'setInterval', 'setTimeout', 'window',
];

/** Workflow code runs in a sandbox, and must decide the same on every replay. */
const ONLY_TYPES = 'Only types: the code runs in another process.';
const NO_NODE = 'Workflow code runs in a sandbox without Node.';

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.holdfast/', 'coverage/'] },
  js.configs.recommended,
  {
    files: ['**/*.{js,mjs,ts}'],
    rules: {
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
      globals: Object.fromEntries(
        GLOBALS.map((name) => [name, 'readonly']),
      ),
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: {
      'import-x/resolver-next': [
        createNodeResolver({ extensions: ['.ts', '.js', '.mjs'], extensionAlias: { '.js': ['.ts', '.js'] } }),
      ],
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
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' },
      ],
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-restricted-paths': ['error', { basePath: import.meta.dirname, zones }],
    },
  },
  {
    files: ['workflows/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: builtinModules.map((name) => ({ name, message: NO_NODE })),
          patterns: [{ regex: '^node:', message: NO_NODE }],
        },
      ],
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { patterns: [{ group: ['../activities/*', '../contracts/*'], allowTypeImports: true, message: ONLY_TYPES }] },
      ],
    },
  },
);
