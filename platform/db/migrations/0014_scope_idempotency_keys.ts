import type { Knex } from 'knex';

/** Answers of before count as given to the whole API key: only who may do everything has them repeated. */
const WHOLE_KEY = '';

export async function up(db: Knex): Promise<void> {
  await db.schema.alterTable('idempotency_keys', (table) => {
    table.text('scope').notNullable().defaultTo(WHOLE_KEY);
    table.dropPrimary();
  });
  await db.schema.alterTable('idempotency_keys', (table) => table.primary(['api_key', 'scope', 'key']));
}

/** Keys that were used in several scopes cannot stay apart. */
export async function down(db: Knex): Promise<void> {
  await db('idempotency_keys').whereNot({ scope: WHOLE_KEY }).delete();
  await db.schema.alterTable('idempotency_keys', (table) => table.dropPrimary());
  await db.schema.alterTable('idempotency_keys', (table) => {
    table.dropColumn('scope');
    table.primary(['api_key', 'key']);
  });
}
