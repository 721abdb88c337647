import type { Knex } from 'knex';

export async function up(db: Knex): Promise<void> {
  await db.schema.createTable('streams', (table) => {
    table.text('id').primary();
    table.text('name');
    table.text('status').notNullable().defaultTo('idle');
    table.boolean('disabled').notNullable().defaultTo(false);
    table.boolean('reusable').notNullable();
    table.text('latency').notNullable();
    table.jsonb('ladder');
    table.boolean('record').notNullable();
    table.integer('reconnect_window_seconds').notNullable();
    table.integer('max_duration_seconds').notNullable();
    table.text('playback_policy').notNullable();
    table.jsonb('metadata').notNullable();
    table.text('playback_id').notNullable().unique();
    // A publisher is found by the keyed hash; the encrypted copy is for showing the key to its owner.
    table.text('stream_key_hash').notNullable().unique();
    table.text('stream_key_encrypted').notNullable();
    table.text('broadcast_id');
    // Number of the workflow's newest write; an older one changes nothing.
    table.integer('version').notNullable().defaultTo(0);
    table.integer('publish_seq').notNullable().defaultTo(0);
    // Milliseconds, as cursors and JavaScript have them: finer ones would be lost on the way through a page's cursor.
    table.timestamp('created_at', { precision: 3 }).notNullable();
    table.timestamp('updated_at', { precision: 3 }).notNullable();
    table.timestamp('deleted_at', { precision: 3 });
    table.index(['created_at', 'id']);
    table.index(['status', 'created_at', 'id']);
  });
}

export async function down(db: Knex): Promise<void> {
  await db.schema.dropTable('streams');
}
