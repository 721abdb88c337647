import type { Knex } from 'knex';

export async function up(db: Knex): Promise<void> {
  await db.schema.alterTable('streams', (table) => {
    // Streams that were made before go on as they were.
    table.text('passthrough').notNullable().defaultTo('never');
  });
}

export async function down(db: Knex): Promise<void> {
  await db.schema.alterTable('streams', (table) => {
    table.dropColumn('passthrough');
  });
}
