import type { Knex } from 'knex';

/** Streams with a broadcast that has not ended, or with a publisher, on a media host. */
const onHost = (db: Knex, hostId: string): Knex.QueryBuilder =>
  db('broadcasts')
    .where({ host_id: hostId })
    .whereNull('ended_at')
    .select('stream_id')
    .union(db('publish_claims').where({ host_id: hostId }).where('expires_at', '>', db.fn.now()).select('stream_id'));

export async function openStreamsOf(db: Knex, hostId: string): Promise<string[]> {
  const rows = (await onHost(db, hostId)) as { stream_id: string }[];
  return rows.map(({ stream_id: streamId }) => streamId);
}
