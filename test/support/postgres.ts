import { randomBytes } from 'node:crypto';
import { ensureDatabase, queryOnce } from '../../tools/launcher/services/postgres.js';
import { testVariable } from './toolchain.js';

export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

/** An empty database of its own on the run's Postgres; drop it in afterAll. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const adminUrl = testVariable('postgresAdminUrl');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await ensureDatabase(adminUrl, name);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: async () => void (await queryOnce(adminUrl, `drop database if exists "${name}" with (force)`)),
  };
}
