import type { Knex } from 'knex';

export async function up(db: Knex): Promise<void> {
  await db.schema.createTable('idempotency_keys', (table) => {
    table.text('api_key').notNullable().references('api_keys.api_key').onDelete('CASCADE');
    table.text('key').notNullable();
    table.text('request_hash').notNullable();
    // Chosen before anything is done, so that a second try makes the same thing and not another one.
    table.text('resource_id').notNullable();
    // Which attempt may write the answer, and until when it counts as running.
    table.text('owner').notNullable();
    table.timestamp('owned_until', { precision: 3 }).notNullable();
    table.integer('status');
    // Encrypted: the answer to a create holds a stream key.
    table.text('answer_encrypted');
    table.timestamp('expires_at', { precision: 3 }).notNullable();
    table.primary(['api_key', 'key']);
    table.index(['expires_at']);
  });
}

export async function down(db: Knex): Promise<void> {
  await db.schema.dropTable('idempotency_keys');
}
