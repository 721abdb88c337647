import type { Knex } from 'knex';

export async function up(db: Knex): Promise<void> {
  await db.schema.createTable('broadcasts', (table) => {
    table.text('id').primary();
    table.text('stream_id').notNullable().references('streams.id').onDelete('CASCADE');
    table.text('host_id').notNullable();
    table.text('status').notNullable();
    table.jsonb('source');
    table.jsonb('renditions').notNullable();
    table.timestamp('started_at', { precision: 3 }).notNullable();
    table.timestamp('live_at', { precision: 3 });
    table.timestamp('ended_at', { precision: 3 });
    table.text('end_cause');
    table.double('duration_seconds');
    table.bigInteger('bytes');
    table.timestamp('media_deleted_at', { precision: 3 });
    table.integer('version').notNullable().defaultTo(0);
    table.index(['stream_id', 'started_at', 'id']);
  });
}

export async function down(db: Knex): Promise<void> {
  await db.schema.dropTable('broadcasts');
}
