import type { Knex } from 'knex';

export async function up(db: Knex): Promise<void> {
  await db.schema.createTable('destinations', (table) => {
    table.text('id').primary();
    table.text('stream_id').notNullable().references('streams.id').onDelete('CASCADE');
    table.text('name');
    // Both let their holder publish under somebody's name on another platform.
    table.text('url_encrypted').notNullable();
    table.text('stream_key_encrypted');
    table.boolean('enabled').notNullable();
    table.timestamp('created_at', { precision: 3 }).notNullable();
    table.timestamp('updated_at', { precision: 3 }).notNullable();
    table.index(['stream_id', 'created_at', 'id']);
  });
}

export async function down(db: Knex): Promise<void> {
  await db.schema.dropTable('destinations');
}
