import knex from 'knex';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from '../../../platform/db/migrate.js';
import { migrationSource } from '../../../platform/db/migrations/index.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.js';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

const connect = () => knex({ client: 'pg', connection: database.url, migrations: { migrationSource, tableName: 'schema_migrations' } });

describe('migrating', () => {
  it('runs each migration once, whatever number of processes begin at once', async () => {
    await Promise.all(Array.from({ length: 5 }, () => migrate(database.url)));
    await migrate(database.url);
    const db = connect();
    const names = (await db('schema_migrations').orderBy('id')).map((row) => row.name);
    await db.destroy();
    expect(names).toEqual(await migrationSource.getMigrations([]));
  });

  it('goes on after a process that was killed while migrating', async () => {
    await migrate(database.url);
    const db = connect();
    await db('schema_migrations_lock').update({ is_locked: 1 });
    await db('schema_migrations').where({ name: '0008_create_idempotency_keys' }).delete();
    await db.schema.dropTable('idempotency_keys');
    await migrate(database.url);
    expect(await db.schema.hasTable('idempotency_keys')).toBe(true);
    await db.destroy();
  });

  it('can be taken back to an empty database', async () => {
    await migrate(database.url);
    const db = connect();
    await db.migrate.rollback(undefined, true);
    const tables = await db('information_schema.tables').where({ table_schema: 'public' }).whereNot('table_name', 'like', 'schema_%');
    await db.destroy();
    expect(tables).toEqual([]);
  });

  it('keeps every time with its time zone', async () => {
    await migrate(database.url);
    const db = connect();
    const naive = await db('information_schema.columns').where({ table_schema: 'public', data_type: 'timestamp without time zone' });
    await db.destroy();
    expect(naive).toEqual([]);
  });
});
