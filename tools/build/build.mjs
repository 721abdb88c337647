/**
 * Builds dist/: every TypeScript file of the rooms becomes one ES module at the same place, with its static files
 * beside it, and the workflows become one bundle for Temporal's sandbox. Files whose content stays the same are not
 * touched, so running processes never read a half-written one, and a build without changes takes a moment.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, extname, join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build as esbuild } from 'esbuild';
import { MAY_IMPORT, TYPES_ONLY } from '../lint/rooms.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DIST = join(ROOT, 'dist');
/** Folders that are no rooms of the product. */
const NOT_BUILT = new Set(['node_modules', 'dist', 'test', 'deploy', 'docs', 'coverage']);
/** Not read at run time: documents, and the launcher's plain JavaScript, which runs before there is a dist/. */
const NOT_COPIED = new Set(['.md', '.mjs']);
const BUNDLE = join(DIST, 'workflow-bundle.js');
const BUNDLE_STAMP = join(DIST, 'workflow-bundle.stamp');
/** What the bundle may be made of: the workflows, and everything they may import more than types of. */
const BUNDLED = ['workflows', ...MAY_IMPORT.workflows.filter((other) => !TYPES_ONLY.workflows.includes(other))];

/** @returns {Promise<{written: number, bundled: boolean}>} files that changed, and whether the bundle was made anew */
export async function build() {
  const sources = (await Promise.all((await rooms()).map((room) => filesBelow(join(ROOT, room))))).flat();
  const outputs = new Map([...(await transpiled(sources)), ...(await copied(sources))]);
  const changed = await Promise.all([...outputs].map(([path, contents]) => writeIfChanged(path, contents)));
  await removeOthers(outputs);
  const bundled = await bundleWorkflows(outputs);
  return { written: changed.filter(Boolean).length, bundled };
}

async function rooms() {
  const entries = await readdir(ROOT, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !NOT_BUILT.has(entry.name))
    .map((entry) => entry.name);
}

async function filesBelow(folder) {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

const isTypeScript = (path) => path.endsWith('.ts') && !path.endsWith('.d.ts');

async function transpiled(sources) {
  const entryPoints = sources.filter(isTypeScript);
  if (entryPoints.length === 0) return [];
  const { outputFiles } = await esbuild({
    entryPoints,
    outbase: ROOT,
    outdir: DIST,
    absWorkingDir: ROOT,
    bundle: false,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
  });
  return outputFiles.map((file) => [file.path, Buffer.from(file.contents)]);
}

async function copied(sources) {
  const files = sources.filter((path) => extname(path) !== '.ts' && !NOT_COPIED.has(extname(path)));
  return Promise.all(files.map(async (path) => [join(DIST, relative(ROOT, path)), await readFile(path)]));
}

/** Written beside the target and renamed, so that a reader sees the old file or the new one. */
async function writeIfChanged(path, contents) {
  const present = await readFile(path).catch(() => null);
  if (present?.equals(contents)) return false;
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomUUID()}.tmp`;
  await writeFile(temporary, contents);
  await rename(temporary, path);
  return true;
}

/** A module whose source is gone must not be found by an import any more. */
async function removeOthers(outputs) {
  const present = await filesBelow(DIST).catch(() => []);
  const stale = present.filter((path) => {
    const room = relative(DIST, path).includes(sep);
    return room && !path.endsWith('.tmp') && !outputs.has(path);
  });
  await Promise.all(stale.map((path) => rm(path, { force: true })));
}

/** Makes workflow-bundle.js anew when what it is made of changed; a worker then starts without bundling. */
async function bundleWorkflows(outputs) {
  const entry = join(DIST, 'workflows', 'index.js');
  if (!outputs.has(entry)) return false;
  const stamp = await bundleInputsHash(outputs);
  const [madeFrom, bundle] = await Promise.all([readFile(BUNDLE_STAMP, 'utf8').catch(() => null), readFile(BUNDLE).catch(() => null)]);
  if (bundle && madeFrom === stamp) return false;
  const { bundleWorkflowCode } = await import('@temporalio/worker');
  const { code } = await bundleWorkflowCode({ workflowsPath: entry, logger: quietLogger() });
  await writeIfChanged(BUNDLE, Buffer.from(code));
  await writeIfChanged(BUNDLE_STAMP, Buffer.from(stamp));
  return true;
}

/** Whether a change of this file makes another bundle. @param {string} path of the source or the built file, from the top */
export function isBundled(path) {
  const source = path.split(sep).join('/').replace(/\.js$/, '.ts');
  return BUNDLED.some((allowed) => source === allowed || source.startsWith(`${allowed}/`));
}

async function bundleInputsHash(outputs) {
  const hash = createHash('sha256');
  hash.update(await readFile(join(ROOT, 'package-lock.json')));
  const inputs = [...outputs.keys()].filter((path) => isBundled(relative(DIST, path)));
  for (const path of inputs.sort()) hash.update(relative(DIST, path)).update(outputs.get(path));
  return hash.digest('hex');
}

/** Temporal's bundler tells of every module at info; only its warnings and errors are for a reader. */
function quietLogger() {
  const none = () => {};
  const say = (message, meta) => console.error(`workflow bundle: ${message}`, meta ?? '');
  const log = (level, message, meta) => (level === 'WARN' || level === 'ERROR' ? say(message, meta) : undefined);
  return { log, trace: none, debug: none, info: none, warn: say, error: say };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const begin = performance.now();
  try {
    const { written, bundled } = await build();
    console.log(
      `built dist/ in ${Math.round(performance.now() - begin)} ms: ${written} files changed, ` +
        `workflow bundle ${bundled ? 'made anew' : 'unchanged'}`,
    );
  } catch (error) {
    // esbuild has shown its own errors with their places already.
    console.error(`The build failed: ${error.message}`);
    process.exitCode = 1;
  }
}
