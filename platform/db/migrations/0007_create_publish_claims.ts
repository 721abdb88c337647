import type { Knex } from 'knex';

export async function up(db: Knex): Promise<void> {
  await db.schema.createTable('publish_claims', (table) => {
    // One row per stream: a stream has at most one publisher.
    table.text('stream_id').primary().references('streams.id').onDelete('CASCADE');
    table.text('publish_id').notNullable().unique();
    table.integer('publish_seq').notNullable();
    table.text('host_id').notNullable();
    table.text('remote_address').notNullable();
    table.timestamp('claimed_at', { precision: 3 }).notNullable();
    table.timestamp('expires_at', { precision: 3 }).notNullable();
  });
}

export async function down(db: Knex): Promise<void> {
  await db.schema.dropTable('publish_claims');
}
