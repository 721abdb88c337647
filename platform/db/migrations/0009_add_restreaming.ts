import type { Knex } from 'knex';

export async function up(db: Knex): Promise<void> {
  await db.schema.alterTable('destinations', (table) => {
    table.text('platform');
    // 'source', or a height in pixels.
    table.text('rendition').notNullable().defaultTo('source');
    table.boolean('slate').notNullable().defaultTo(true);
    // Grows when what is sent, or where to, changes: ciphertexts of one secret differ, so they cannot tell.
    table.integer('revision').notNullable().defaultTo(1);
    // The restream of the present, else the last, broadcast.
    table.text('status').notNullable().defaultTo('idle');
    table.text('broadcast_id');
    table.integer('attempts').notNullable().defaultTo(0);
    table.text('last_error_code');
    table.text('last_error_message');
    table.timestamp('next_attempt_at', { precision: 3 });
    table.timestamp('started_at', { precision: 3 });
    table.bigInteger('bytes_sent').notNullable().defaultTo(0);
    // Number of the workflow's newest write about this restream; an older one changes nothing.
    table.integer('version').notNullable().defaultTo(0);
  });
}

export async function down(db: Knex): Promise<void> {
  await db.schema.alterTable('destinations', (table) => {
    table.dropColumns(
      'platform',
      'rendition',
      'slate',
      'revision',
      'status',
      'broadcast_id',
      'attempts',
      'last_error_code',
      'last_error_message',
      'next_attempt_at',
      'started_at',
      'bytes_sent',
      'version',
    );
  });
}
