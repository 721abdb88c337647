import type { Knex } from 'knex';

export async function up(db: Knex): Promise<void> {
  await db.schema.createTable('recordings', (table) => {
    table.text('id').primary();
    table.text('stream_id').notNullable().references('streams.id').onDelete('CASCADE');
    table.text('broadcast_id').notNullable().unique().references('broadcasts.id').onDelete('CASCADE');
    table.text('status').notNullable();
    table.double('duration_seconds');
    table.bigInteger('bytes');
    table.integer('version').notNullable();
    table.timestamp('created_at', { precision: 3 }).notNullable();
    table.timestamp('updated_at', { precision: 3 }).notNullable();
    table.index(['stream_id', 'created_at', 'id']);
  });
}

export async function down(db: Knex): Promise<void> {
  await db.schema.dropTable('recordings');
}
