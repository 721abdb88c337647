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
  };
}
