import type { Knex } from 'knex';

/** Nobody followed the events of all streams by their position: an event is the one of its number in its stream. */
export async function up(db: Knex): Promise<void> {
  await db.schema.alterTable('events', (table) => {
    table.dropPrimary();
    table.dropColumn('position');
    table.dropUnique(['stream_id', 'sequence']);
  });
  await db.schema.alterTable('events', (table) => table.primary(['stream_id', 'sequence']));
}

export async function down(db: Knex): Promise<void> {
  await db.schema.alterTable('events', (table) => table.dropPrimary());
  await db.schema.alterTable('events', (table) => {
    table.bigIncrements('position');
    table.unique(['stream_id', 'sequence']);
  });
}
