import { z } from 'zod';
import { EVENT_TYPES } from '../../domain/event.js';
import { limitOf, timestamp } from './common.js';

const DEFAULT_EVENTS = 100;
const MAX_EVENTS = 500;
/** Postgres integer. */
const MAX_SEQUENCE = 2 ** 31 - 1;

export const listEventsQuery = z.strictObject({
  after: z.coerce.number().int().min(0).max(MAX_SEQUENCE).default(0).meta({ description: 'Events with a higher sequence.' }),
  limit: limitOf(DEFAULT_EVENTS, MAX_EVENTS),
});

export const eventSchema = z
  .object({
    id: z.string(),
    sequence: z.int().meta({ description: '1, 2, 3 … per stream.' }),
    type: z.enum(EVENT_TYPES),
    streamId: z.string(),
    broadcastId: z.string().nullable(),
    occurredAt: timestamp,
    cause: z.string().optional(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Event' });

export const eventPageSchema = z.object({
  data: z.array(eventSchema),
  nextCursor: z.string().nullable().meta({ description: 'Send it as `after` for the next page; null at the end.' }),
});
