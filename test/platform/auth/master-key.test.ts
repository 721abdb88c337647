import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureMasterKey, MasterKeyError, readMasterKey } from '../../../platform/auth/master-key.js';

const HEX = 'ab'.repeat(32);
let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-key-'));
  path = join(folder, 'data', 'master.key');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the master key', () => {
  it('is made once, for the owner alone, whoever asks at the same time', async () => {
    const keys = await Promise.all(Array.from({ length: 8 }, () => ensureMasterKey({ path })));
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1);
    expect(await readMasterKey({ path })).toEqual(keys[0]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, 'data'))).toEqual(['master.key']);
  });

  it('given as digits wins over the file, and makes none', async () => {
    expect((await ensureMasterKey({ hex: HEX, path })).toString('hex')).toBe(HEX);
    await expect(readMasterKey({ path })).rejects.toThrow(/HOLDFAST_MASTER_KEY/);
  });

  it('that is broken is named by its place and not replaced', async () => {
    const broken = join(folder, 'broken.key');
    await writeFile(broken, 'abc123');
    const failure = await ensureMasterKey({ path: broken }).catch((error: Error) => error);
    expect(failure).toBeInstanceOf(MasterKeyError);
    expect(String(failure)).toContain(broken);
    expect(String(failure)).not.toContain('abc123');
  });
});
