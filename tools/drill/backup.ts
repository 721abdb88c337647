import knex from 'knex';

/** The copy's schema; the product knows nothing of it. */
const SCHEMA = 'drill_backup';

export interface Backup {
  /** Puts every row back as it was, and takes away what came later. */
  restore: () => Promise<void>;
  close: () => Promise<void>;
}

/** A copy of all tables as they are now; restored in one go, as from a dump, while everybody stays connected. */
export async function backUp(databaseUrl: string): Promise<Backup> {
  const db = knex({ client: 'pg', connection: databaseUrl, pool: { min: 0, max: 1 } });
  const { rows } = await db.raw<{ rows: { name: string }[] }>("select tablename as name from pg_tables where schemaname = 'public'");
  const tables = rows.map(({ name }) => name).filter((name) => !name.startsWith('knex_'));
  await db.transaction(async (trx) => {
    await trx.raw(`drop schema if exists ${SCHEMA} cascade`);
    await trx.raw(`create schema ${SCHEMA}`);
    for (const table of tables) await trx.raw(`create table ${SCHEMA}.?? as table public.??`, [table, table]);
  });
  return {
    restore: () =>
      db.transaction(async (trx) => {
        // No foreign keys and triggers meanwhile: rows come in any order.
        await trx.raw("set local session_replication_role = 'replica'");
        for (const table of tables) await trx.raw('delete from public.??', [table]);
        for (const table of tables) await trx.raw(`insert into public.?? select * from ${SCHEMA}.??`, [table, table]);
      }),
    close: () => db.destroy(),
  };
}
