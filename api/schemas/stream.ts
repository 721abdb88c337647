import { z } from 'zod';
import {
  DEFAULT_MAX_DURATION_SECONDS,
  DEFAULT_RECONNECT_WINDOW_SECONDS,
  LATENCIES,
  MAX_MAX_DURATION_SECONDS,
  MAX_RECONNECT_WINDOW_SECONDS,
  PASSTHROUGH_MODES,
  PLAYBACK_POLICIES,
  STREAM_STATUSES,
} from '../../domain/stream.js';
import { pageQuery, printable, rungHeight, timestamp } from './common.js';
import { createDestinationBody, destinationSchema } from './destination.js';

const MAX_NAME_LENGTH = 256;
const MAX_METADATA_ENTRIES = 50;
const MAX_METADATA_KEY_LENGTH = 64;
const MAX_METADATA_VALUE_LENGTH = 512;
const MAX_RUNGS = 8;
/** In one request; a stream may have any number. */
export const MAX_DESTINATIONS = 100;
/** bit/s */
const MIN_BITRATE = 50_000;
const MAX_BITRATE = 20_000_000;
const MAX_FPS = 60;

const rung = z
  .strictObject({
    height: rungHeight,
    bitrate: z.int().min(MIN_BITRATE).max(MAX_BITRATE).meta({ description: 'bit/s' }),
    fps: z.number().min(1).max(MAX_FPS).optional().meta({ description: 'Only if it should be below the source.' }),
  })
  .meta({ id: 'Rung' });

const ladder = z
  .array(rung)
  .min(1)
  .max(MAX_RUNGS)
  .refine((rungs) => new Set(rungs.map(({ height }) => height)).size === rungs.length, 'Heights must differ.')
  .nullable()
  .meta({ description: 'Rungs above the source are left out. null: a ladder made for the source.' });

const metadata = z
  .record(
    printable(MAX_METADATA_KEY_LENGTH).min(1),
    z
      .string()
      .max(MAX_METADATA_VALUE_LENGTH)
      .refine((text) => !/[\0\p{Cs}]/u.test(text), 'Must not have NUL characters.'),
  )
  .refine((entries) => Object.keys(entries).length <= MAX_METADATA_ENTRIES, `At most ${MAX_METADATA_ENTRIES} entries.`)
  .meta({ description: 'Yours; shown again, never interpreted.' });

/** What an owner sets and may change later; a change counts from the next broadcast. */
const settings = {
  name: printable(MAX_NAME_LENGTH).nullable(),
  latency: z.enum(LATENCIES),
  ladder,
  passthrough: z.enum(PASSTHROUGH_MODES).meta({
    description: 'auto: the largest rendition is the source itself, copied, where its keyframes allow it; never: all are encoded.',
  }),
  record: z.boolean(),
  reconnectWindowSeconds: z
    .int()
    .min(0)
    .max(MAX_RECONNECT_WINDOW_SECONDS)
    .meta({ description: 'How long a broadcast waits for an encoder that has gone.' }),
  maxDurationSeconds: z.int().min(1).max(MAX_MAX_DURATION_SECONDS).meta({ description: 'A broadcast ends after this.' }),
  playbackPolicy: z.enum(PLAYBACK_POLICIES),
  metadata,
};

export const createStreamBody = z
  .strictObject({
    name: settings.name.default(null),
    reusable: z.boolean().default(false).meta({ description: 'false: one broadcast, then the stream has ended.' }),
    latency: settings.latency.default('low'),
    ladder: settings.ladder.default(null),
    passthrough: settings.passthrough.default('never'),
    record: settings.record.default(false),
    reconnectWindowSeconds: settings.reconnectWindowSeconds.default(DEFAULT_RECONNECT_WINDOW_SECONDS),
    maxDurationSeconds: settings.maxDurationSeconds.default(DEFAULT_MAX_DURATION_SECONDS),
    playbackPolicy: settings.playbackPolicy.default('public'),
    destinations: z.array(createDestinationBody).max(MAX_DESTINATIONS).default([]),
    metadata: settings.metadata.default({}),
  })
  .meta({ id: 'CreateStream' });

export const patchStreamBody = z.strictObject(settings).partial().meta({ id: 'PatchStream' });

export const listStreamsQuery = z.strictObject({ status: z.enum(STREAM_STATUSES).optional(), ...pageQuery });

export const streamSchema = z
  .object({
    id: z.string(),
    ...settings,
    status: z.enum(STREAM_STATUSES),
    disabled: z.boolean().meta({ description: 'true: publishers are refused.' }),
    reusable: z.boolean(),
    streamKey: z.string().optional().meta({
      description: 'Secret. On create and rotate-key, and on GET for `stream:publish`, `stream:write` or `admin`.',
    }),
    ingest: z.object({ rtmp: z.string() }).meta({ description: 'An encoder needs `rtmp` + `/` + `streamKey`.' }),
    playback: z.object({
      id: z.string(),
      hls: z.string().meta({ description: 'Multivariant playlist; the same over the whole life of the stream.' }),
      player: z.string(),
    }),
    broadcastId: z.string().nullable(),
    destinations: z.array(destinationSchema).optional().meta({ description: 'On create; later from their own list.' }),
    statusSource: z.enum(['workflow', 'projection']).optional().meta({
      description: 'Where `status` comes from: the workflow, or, when no worker answers, its last written state.',
    }),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: 'Stream' });

export const deletedStreamSchema = z.object({ id: z.string(), deleted: z.literal(true) }).meta({ id: 'DeletedStream' });

export type StreamBody = z.output<typeof streamSchema>;
