import type { Knex } from 'knex';
import type { EventType, StreamEvent } from '../../../domain/event.js';
import type { Page } from './page.js';

/** One row of `events`, as pg returns it. */
interface EventRow {
  id: string;
  stream_id: string;
  sequence: number;
  type: EventType;
  broadcast_id: string | null;
  occurred_at: Date;
  cause: string | null;
  data: Record<string, unknown>;
}

export type EventRepository = ReturnType<typeof createEventRepository>;

/** The numbered timeline of each stream. */
export function createEventRepository(db: Knex) {
  return {
    /** Known events (by id or by number) are skipped: each is written once, whatever is repeated. */
    async append(events: readonly StreamEvent[]): Promise<void> {
      if (events.length === 0) return;
      await db<EventRow>('events').insert(events.map(toRow)).onConflict().ignore();
    },

    /** Oldest first, from the one numbered `after + 1`. */
    async listOf(streamId: string, after: number, limit: number): Promise<Page<StreamEvent>> {
      const rows = await db<EventRow>('events')
        .where({ stream_id: streamId })
        .where('sequence', '>', after)
        .orderBy('sequence')
        .limit(limit + 1);
      return { items: rows.slice(0, limit).map(toEvent), more: rows.length > limit };
    },
  };
}

const toRow = (event: StreamEvent): EventRow => ({
  id: event.id,
  stream_id: event.streamId,
  sequence: event.sequence,
  type: event.type,
  broadcast_id: event.broadcastId,
  occurred_at: new Date(event.occurredAt),
  cause: event.cause ?? null,
  data: event.data,
});

const toEvent = (row: EventRow): StreamEvent => ({
  id: row.id,
  sequence: row.sequence,
  type: row.type,
  streamId: row.stream_id,
  broadcastId: row.broadcast_id,
  occurredAt: row.occurred_at.toISOString(),
  ...(row.cause === null ? {} : { cause: row.cause }),
  data: row.data,
});
