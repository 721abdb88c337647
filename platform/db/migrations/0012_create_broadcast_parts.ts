import type { Knex } from 'knex';

export async function up(db: Knex): Promise<void> {
  await db.schema.createTable('broadcast_parts', (table) => {
    // Only of broadcasts that have changed their media host: what each host has of them.
    table.text('broadcast_id').notNullable().references('broadcasts.id').onDelete('CASCADE');
    table.text('host_id').notNullable();
    table.timestamp('started_at', { precision: 3 }).notNullable();
    // Unknown until that host has finished its part.
    table.double('duration_seconds');
    table.bigInteger('bytes');
    table.primary(['broadcast_id', 'host_id']);
  });
  await db.schema.createTable('media_hosts', (table) => {
    // Where viewers reach the media hosts, as each has said of itself at its start.
    table.text('host_id').primary();
    table.text('playback').notNullable();
    table.timestamp('announced_at', { precision: 3 }).notNullable();
  });
}

export async function down(db: Knex): Promise<void> {
  await db.schema.dropTable('media_hosts');
  await db.schema.dropTable('broadcast_parts');
}
