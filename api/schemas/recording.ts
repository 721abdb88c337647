import { z } from 'zod';
import { timestamp } from './common.js';

const recordingPartSchema = z
  .object({
    hostId: z.string(),
    hls: z.string().nullable().meta({ description: 'Plays this part, while its host is there.' }),
    startedAt: timestamp,
    durationSeconds: z.number().nullable().meta({ description: 'null: not known yet; its host is away, say.' }),
    bytes: z.number().nullable(),
  })
  .meta({ id: 'RecordingPart' });

export const recordingSchema = z
  .object({
    id: z.string(),
    streamId: z.string(),
    broadcastId: z.string(),
    status: z.enum(['recording', 'processing', 'ready', 'failed']),
    hls: z.string().nullable(),
    mp4: z.string().nullable(),
    thumbnail: z.string().nullable(),
    storyboard: z.string().nullable(),
    durationSeconds: z.number().nullable(),
    bytes: z.number().nullable(),
    parts: z
      .array(recordingPartSchema)
      .meta({ description: 'What each media host has of it, in order; one, unless the broadcast changed its host.' }),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: 'Recording' });

export type RecordingBody = z.output<typeof recordingSchema>;
