import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../tools/launcher/ports/ports.js';
import { postgresAnswers, queryOnce, startPostgres } from '../../../tools/launcher/services/postgres.js';
import { createTestDatabase } from '../../support/postgres.js';
import { ffmpegPath, ffprobePath, temporalPath, temporalTestServerPath } from '../../support/toolchain.js';

const OWNER_ONLY = 0o600;
const PERMISSIONS = 0o777;

describe('the embedded Postgres', () => {
  let dataDir: string;
  // mkdtemp makes it with mode 0700, as the folder of a user nobody else may enter.
  beforeAll(async () => void (dataDir = await mkdtemp(join(tmpdir(), 'holdfast-postgres-'))));
  afterAll(() => rm(dataDir, { recursive: true, force: true }));

  it('runs under a private folder, keeps its data over a stop, and its password to itself', async () => {
    const options = { dataDir: join(dataDir, 'postgres'), port: await freePort(), durable: false, log: () => {} };
    const first = await startPostgres(options);
    await queryOnce(first.url, 'create table kept (n int)');
    await first.stop();
    expect(await postgresAnswers(first.url)).toBe(false);

    const second = await startPostgres(options);
    try {
      expect(second.url).toBe(first.url);
      expect((await queryOnce(second.url, 'select * from kept')).rowCount).toBe(0);
      expect((await stat(join(dataDir, 'postgres', 'password'))).mode & PERMISSIONS).toBe(OWNER_ONLY);
      const wrong = new URL(second.url);
      wrong.password = 'wrong';
      await expect(queryOnce(wrong.href, 'select 1')).rejects.toThrow(/password authentication failed/);
    } finally {
      await Promise.all([second.stop(), second.stop()]);
    }
  });

  it('ends a server of the same data folder that outlived its launcher, and starts', async () => {
    const options = { dataDir: join(dataDir, 'postgres'), port: await freePort(), durable: false, log: () => {} };
    const left = await startPostgres(options);
    const next = await startPostgres({ ...options, port: await freePort() });
    try {
      expect(await postgresAnswers(next.url)).toBe(true);
      expect(await postgresAnswers(left.url)).toBe(false);
    } finally {
      await next.stop();
    }
  });
});

describe('what every test run has', () => {
  it('is a database per file that starts empty and is gone afterwards', async () => {
    const [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()]);
    await queryOnce(one.url, 'create table only_here (n int)');
    await expect(queryOnce(other.url, 'select * from only_here')).rejects.toThrow(/does not exist/);
    await Promise.all([one.drop(), other.drop()]);
    await expect(queryOnce(one.url, 'select 1')).rejects.toThrow(/does not exist/);
  });

  it('is the real programs', async () => {
    for (const path of [ffmpegPath(), ffprobePath(), temporalPath(), temporalTestServerPath()]) {
      expect((await stat(path)).mode & 0o100).toBe(0o100);
    }
  });
});
