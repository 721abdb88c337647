import type { Knex } from 'knex';

/** A media host counts its own before it takes one more. */
export async function up(db: Knex): Promise<void> {
  await db.raw('create index broadcasts_open_host on broadcasts (host_id) where ended_at is null');
}

export async function down(db: Knex): Promise<void> {
  await db.raw('drop index broadcasts_open_host');
}
