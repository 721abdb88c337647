import type { Knex } from 'knex';

export async function up(db: Knex): Promise<void> {
  await db.schema.alterTable('streams', (table) => {
    // Every publish up to this number has lost its claim, and why. On the stream: a claim's own row comes and goes.
    table.bigInteger('revoked_publish_seq').notNullable().defaultTo(0);
    table.text('revoked_because');
  });
}

export async function down(db: Knex): Promise<void> {
  await db.schema.alterTable('streams', (table) => {
    table.dropColumn('revoked_publish_seq');
    table.dropColumn('revoked_because');
  });
}
