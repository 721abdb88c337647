import { z } from 'zod';
import { DESTINATION_STATUSES } from '../../domain/destination.js';
import { MAX_DESTINATION_KEY_LENGTH, MAX_DESTINATION_URL_LENGTH } from '../../domain/destination-url.js';
import { PLATFORM_IDS } from '../../domain/platforms.js';
import { pageQuery, printable, rungHeight, timestamp } from './common.js';

const MAX_NAME_LENGTH = 256;

const settings = {
  name: printable(MAX_NAME_LENGTH).nullable().meta({ description: 'Shown in the timeline and in Temporal.' }),
  platform: z.enum(PLATFORM_IDS).meta({ description: 'Instead of `url`: its address is known, a stream key is enough.' }),
  url: z
    .string()
    .max(MAX_DESTINATION_URL_LENGTH)
    .meta({ description: 'rtmp://, rtmps:// or srt://, with the key at its end if `streamKey` is not sent.' }),
  streamKey: z.string().min(1).max(MAX_DESTINATION_KEY_LENGTH).nullable().meta({ description: 'Secret: never shown again.' }),
  enabled: z.boolean().meta({ description: 'false: sent to only after `start`.' }),
  rendition: z.union([z.literal('source'), rungHeight], 'Must be "source" or an even height from 120 to 2160.').meta({
    description: '`source`: as the encoder sends it. A height: that of H.264, for platforms with limits.',
  }),
  slate: z.boolean().meta({ description: 'Show a still picture while the encoder is away, so that the platform stays.' }),
};

const EITHER = 'Send platform or url, not both.';

export const createDestinationBody = z
  .strictObject({
    name: settings.name.default(null),
    platform: settings.platform.optional(),
    url: settings.url.optional(),
    streamKey: settings.streamKey.default(null),
    enabled: settings.enabled.default(true),
    rendition: settings.rendition.default('source'),
    slate: settings.slate.default(true),
  })
  .superRefine(({ platform, url, streamKey }, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (platform !== undefined && url !== undefined) refuse('url', EITHER);
    else if (platform === undefined && url === undefined) refuse('url', 'Send url, or platform for a well-known one.');
    else if (platform !== undefined && streamKey === null) refuse('streamKey', 'A platform needs its stream key.');
  })
  .meta({ id: 'CreateDestination' });

export const patchDestinationBody = z
  .strictObject(settings)
  .partial()
  .refine(({ platform, url }) => platform === undefined || url === undefined, { path: ['url'], message: EITHER })
  .meta({ id: 'PatchDestination' });

export const listDestinationsQuery = z.strictObject(pageQuery);

export const destinationSchema = z
  .object({
    id: z.string(),
    name: z.string().nullable(),
    platform: z.enum(PLATFORM_IDS).nullable(),
    url: z.string().meta({ description: 'Without key, query, user and password.' }),
    enabled: settings.enabled,
    rendition: settings.rendition,
    slate: settings.slate,
    status: z.enum(DESTINATION_STATUSES).meta({ description: 'Of the present broadcast, else of the last.' }),
    attempts: z.int().meta({ description: 'Connections tried in that broadcast.' }),
    lastError: z.object({ code: z.string(), message: z.string() }).nullable().meta({ description: 'Why, and what to do about it.' }),
    nextAttemptAt: timestamp.nullable().meta({ description: 'While `retrying`.' }),
    bytesSent: z.int().meta({ description: 'Over the present, else the last, connection.' }),
    startedAt: timestamp.nullable().meta({ description: 'Since when that connection is live.' }),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: 'Destination' });

export const deletedDestinationSchema = z.object({ id: z.string(), deleted: z.literal(true) }).meta({ id: 'DeletedDestination' });

export type CreateDestination = z.output<typeof createDestinationBody>;
export type PatchDestination = z.output<typeof patchDestinationBody>;
export type DestinationBody = z.output<typeof destinationSchema>;
