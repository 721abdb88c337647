import type { Knex } from 'knex';

export async function up(db: Knex): Promise<void> {
  await db.schema.createTable('api_keys', (table) => {
    table.text('api_key').primary();
    table.text('name').notNullable().unique();
    // Encrypted, not hashed: a token's signature can only be checked with the secret itself.
    table.text('secret_encrypted').notNullable();
    table.timestamp('created_at', { precision: 3 }).notNullable();
    table.timestamp('revoked_at', { precision: 3 });
  });
}

export async function down(db: Knex): Promise<void> {
  await db.schema.dropTable('api_keys');
}
