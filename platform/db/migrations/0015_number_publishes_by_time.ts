import type { Knex } from 'knex';

const NUMBERED = ['streams', 'publish_claims'];

/** Milliseconds since 1970 are more than an integer holds. */
export async function up(db: Knex): Promise<void> {
  for (const table of NUMBERED) await db.raw('alter table ?? alter column publish_seq type bigint', [table]);
}

export async function down(db: Knex): Promise<void> {
  for (const table of NUMBERED) {
    await db.raw('alter table ?? alter column publish_seq type integer using least(publish_seq, 2147483647)', [table]);
  }
}
