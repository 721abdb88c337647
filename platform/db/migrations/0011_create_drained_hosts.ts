import type { Knex } from 'knex';

export async function up(db: Knex): Promise<void> {
  await db.schema.createTable('drained_hosts', (table) => {
    // Media hosts that take no new broadcasts until somebody says so.
    table.text('host_id').primary();
    table.timestamp('drained_at', { precision: 3 }).notNullable();
  });
}

export async function down(db: Knex): Promise<void> {
  await db.schema.dropTable('drained_hosts');
}
