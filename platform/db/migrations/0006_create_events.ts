import type { Knex } from 'knex';

export async function up(db: Knex): Promise<void> {
  await db.schema.createTable('events', (table) => {
    // Over all streams, for whoever follows everything; one stream is followed by its sequence.
    table.bigIncrements('position');
    table.text('id').notNullable().unique();
    table.text('stream_id').notNullable().references('streams.id').onDelete('CASCADE');
    table.integer('sequence').notNullable();
    table.text('type').notNullable();
    table.text('broadcast_id');
    table.timestamp('occurred_at', { precision: 3 }).notNullable();
    table.text('cause');
    table.jsonb('data').notNullable();
    table.unique(['stream_id', 'sequence']);
  });
}

export async function down(db: Knex): Promise<void> {
  await db.schema.dropTable('events');
}
