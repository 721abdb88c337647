import { z } from 'zod';
import { END_CAUSES, STREAM_STATUSES } from '../../domain/stream.js';
import { pageQuery, timestamp } from './common.js';

const sourceSchema = z
  .object({
    video: z.object({ codec: z.string(), width: z.int(), height: z.int(), frameRate: z.number() }).nullable(),
    audio: z.object({ codec: z.string(), sampleRate: z.int(), channels: z.int() }).nullable(),
  })
  .meta({ id: 'Source', description: 'What the encoder really sends.' });

const renditionSchema = z
  .object({
    id: z.string(),
    kind: z.enum(['video', 'audio']),
    bitrate: z.int().meta({ description: 'bit/s' }),
    width: z.int().optional(),
    height: z.int().optional(),
    frameRate: z.number().optional(),
    sampleRate: z.int().optional(),
    channels: z.int().optional(),
  })
  .meta({ id: 'Rendition' });

export const broadcastSchema = z
  .object({
    id: z.string(),
    streamId: z.string(),
    status: z.enum(STREAM_STATUSES).exclude(['idle']),
    source: sourceSchema.nullable(),
    renditions: z.array(renditionSchema),
    startedAt: timestamp,
    liveAt: timestamp.nullable().meta({ description: 'Since when a viewer could play it.' }),
    endedAt: timestamp.nullable(),
    endCause: z.enum(END_CAUSES).nullable(),
    durationSeconds: z.number().nullable(),
    bytes: z.number().nullable(),
    mediaDeletedAt: timestamp.nullable().meta({ description: 'When its segments were removed; null: they are kept.' }),
  })
  .meta({ id: 'Broadcast' });

export const listQuery = z.strictObject(pageQuery);

export type BroadcastBody = z.output<typeof broadcastSchema>;
