import type { Knex } from 'knex';
import { openStreamsOf } from './host-load.js';

/** A media host as Postgres knows it. */
export interface HostRecord {
  id: string;
  /** Since when it takes no new broadcasts; null = it takes them. */
  drainedAt: Date | null;
  /** Streams with a broadcast or a publisher on it now. */
  openStreams: number;
}

export interface HostRepository {
  find(hostId: string): Promise<HostRecord>;
  /** Both may be repeated. A host need not exist yet: a new one can be told before it starts. */
  drain(hostId: string): Promise<void>;
  resume(hostId: string): Promise<void>;
  /** Where viewers reach this host; said at its start. */
  announce(hostId: string, playback: string): Promise<void>;
  /** Where viewers reach the host that has the newest broadcast of each of these streams, as far as it is known. */
  playbackOfStreams(streamIds: readonly string[]): Promise<Map<string, { hostId: string; playback: string }>>;
  /** Where viewers reach these hosts, as far as it is known. */
  playbackOf(hostIds: readonly string[]): Promise<Map<string, string>>;
}

interface MediaHostRow {
  host_id: string;
  playback: string;
  announced_at: Date;
}

interface DrainedHostRow {
  host_id: string;
  drained_at: Date;
}

export async function drainedAtOf(db: Knex, hostId: string): Promise<Date | null> {
  const row = await db<DrainedHostRow>('drained_hosts').where({ host_id: hostId }).first('drained_at');
  return row?.drained_at ?? null;
}

export function createHostRepository(db: Knex): HostRepository {
  return {
    async find(hostId) {
      const [drainedAt, open] = await Promise.all([drainedAtOf(db, hostId), openStreamsOf(db, hostId)]);
      return { id: hostId, drainedAt, openStreams: open.length };
    },
    async drain(hostId) {
      await db('drained_hosts').insert({ host_id: hostId, drained_at: db.fn.now() }).onConflict('host_id').ignore();
    },
    async resume(hostId) {
      await db('drained_hosts').where({ host_id: hostId }).delete();
    },
    async announce(hostId, playback) {
      await db('media_hosts').insert({ host_id: hostId, playback, announced_at: db.fn.now() }).onConflict('host_id').merge();
    },
    async playbackOfStreams(streamIds) {
      const newest = db('broadcasts')
        .whereIn('stream_id', streamIds)
        .orderBy(['stream_id', { column: 'started_at', order: 'desc' }, { column: 'id', order: 'desc' }]);
      const ofStreams = newest.distinctOn('stream_id').select('stream_id', 'host_id').as('newest');
      const rows = (await db(ofStreams)
        .join('media_hosts', 'media_hosts.host_id', 'newest.host_id')
        .select('stream_id', 'media_hosts.host_id', 'playback')) as {
        stream_id: string;
        host_id: string;
        playback: string;
      }[];
      return new Map(rows.map((row) => [row.stream_id, { hostId: row.host_id, playback: row.playback }]));
    },
    async playbackOf(hostIds) {
      const rows = await db<MediaHostRow>('media_hosts').whereIn('host_id', hostIds).select('host_id', 'playback');
      return new Map(rows.map((row) => [row.host_id, row.playback]));
    },
  };
}
