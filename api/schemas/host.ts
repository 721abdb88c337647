import { z } from 'zod';
import { timestamp } from './common.js';

export const hostSchema = z
  .object({
    id: z.string(),
    drainedAt: timestamp.nullable().meta({ description: 'Since when it takes no new broadcasts; null = it takes them.' }),
    openStreams: z.int().meta({ description: 'Streams with a broadcast or an encoder on it; 0 on a drained host: it can go.' }),
  })
  .meta({ id: 'Host' });

export type HostBody = z.infer<typeof hostSchema>;
