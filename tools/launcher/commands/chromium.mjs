import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
/** Where Debian's package puts it, in case PATH is a narrow one. */
const DEBIAN_FOLDER = '/usr/bin';
/** Headless Chromium does not start without any font. */
const DEBIAN_PACKAGES = ['chromium', 'fonts-liberation'];

/**
 * Path of a Chromium for the browser tests: CHROMIUM, else one on PATH, else Debian's, which root's tests install.
 * null when there is none: the browser tests then fail and say so.
 */
export function ensureChromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const present = findChromium();
  if (present) return present;
  if (process.getuid?.() === 0 && install()) return findChromium();
  console.error(
    'There is no Chromium for the browser tests: ' + 'install it (Debian, Ubuntu: apt install chromium), or set CHROMIUM to its path.',
  );
  return null;
}

function findChromium() {
  const folders = [...(process.env.PATH ?? '').split(delimiter), DEBIAN_FOLDER];
  const paths = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return paths.find(isExecutable) ?? null;
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function install() {
  console.log('Installing Chromium for the browser tests (apt-get) …');
  const run = (...args) =>
    spawnSync('apt-get', args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status === 0;
  return run('-q', 'update') && run('-q', 'install', '-y', '--no-install-recommends', ...DEBIAN_PACKAGES);
}
