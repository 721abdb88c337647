import { z } from 'zod';
import { timestamp } from './common.js';

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
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: 'Recording' });

export type RecordingBody = z.output<typeof recordingSchema>;
