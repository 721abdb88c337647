/** What every command needs before it can run: the npm packages of package-lock.json, and dist/. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** Shown without a stack trace: the message says what to do. */
export class PrepareError extends Error {}

/** @param {{development: boolean}} options development packages too (tests, types) */
export async function prepare({ development }) {
  if (!dependenciesAreInstalled(readLock('package-lock.json'), readLock(join('node_modules', '.package-lock.json')), development)) {
    installDependencies();
  }
  const { build } = await import('../../build/build.mjs');
  await build();
}

/**
 * npm keeps what it has installed in node_modules/.package-lock.json; versions and hashes there must be those of
 * package-lock.json. Packages for other platforms are not installed, and development ones only where asked for.
 */
export function dependenciesAreInstalled(wanted, installed, development) {
  if (!installed) return false;
  return Object.entries(wanted.packages).every(([path, entry]) => {
    if (path === '') return true;
    const present = installed.packages[path];
    if (!present) return Boolean(entry.optional || entry.devOptional || (entry.dev && !development));
    return present.version === entry.version && present.integrity === entry.integrity;
  });
}

function readLock(path) {
  try {
    return JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

function installDependencies() {
  console.log('Installing npm packages (once, and after each change of package-lock.json) …');
  const npmCli = process.env.npm_execpath;
  const [command, args] = npmCli && npmCli.endsWith('.js') ? [process.execPath, [npmCli, 'ci']] : ['npm', ['ci']];
  const { status, signal, error } = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  if (signal) process.kill(process.pid, signal);
  if (error) throw new PrepareError(`npm cannot be run (${error.code}). Install npm, it comes with Node.js, and start again.`);
  if (status !== 0) {
    throw new PrepareError(
      'npm ci failed; its own message is above. ' +
        "Without a network: connect, or check npm's registry and proxy settings. " +
        'On a full disk (ENOSPC): free 1 GB. Then start again; nothing is left half installed.',
    );
  }
}

/** Runs a command's main part and turns its failure into one message and exit code 1. */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof PrepareError ? error.message : error);
    process.exitCode = 1;
  }
}
