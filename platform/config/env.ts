import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';

const port = (fallback: number) => z.coerce.number().int().min(1).max(65535).default(fallback);
const flag = z
  .enum(['0', '1', 'true', 'false'])
  .default('0')
  .transform((value) => value === '1' || value === 'true');
const size = (fallback: string) =>
  z
    .string()
    .regex(/^[1-9]\d{1,4}x[1-9]\d{1,4}$/, 'must be like 1920x1080')
    .default(fallback)
    .transform((text) => text.split('x').map(Number) as [number, number]);
const url = (schemes: string[]) =>
  z.string().refine((value) => schemes.some((scheme) => value.startsWith(`${scheme}://`)), {
    message: `must start with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
  });

/** An address that paths are put behind: `https://x/` and `https://x` are the same. */
const publicUrl = (schemes: string[]) => url(schemes).transform((address) => address.replace(/\/+$/, ''));

/** A CIDR prefix or one address. */
const isNetwork = (text: string): boolean => {
  const [address = '', prefix, ...more] = text.split('/');
  const bits = { 4: 32, 6: 128 }[isIP(address)];
  return bits !== undefined && more.length === 0 && (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits));
};
const networks = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ''),
  )
  .refine((entries) => entries.every(isNetwork), { message: 'must be addresses or networks (10.0.0.0/8), separated by commas' });
const file = z
  .string()
  .min(1)
  .transform((path) => resolve(path))
  .optional();
const limit = (fallback: number) => z.coerce.number().int().min(0).default(fallback);

/**
 * Every environment variable of Holdfast. All have the prefix HOLDFAST_; the README's table is made from the
 * descriptions here.
 */
export const ENVIRONMENT = z.object({
  HOLDFAST_BIND: z.string().default('127.0.0.1').describe('Address the API, RTMP and playback listen on; 0.0.0.0 for all'),
  HOLDFAST_API_PORT: port(8080).describe('REST API, docs'),
  HOLDFAST_RTMP_PORT: port(1935).describe('RTMP ingest'),
  HOLDFAST_PLAYBACK_PORT: port(8888).describe('HLS playback (origin)'),
  HOLDFAST_INGEST_CONTROL_PORT: port(8811).describe('Ingest: control, health, metrics; loopback only'),
  HOLDFAST_ORIGIN_CONTROL_PORT: port(8812).describe('Origin: control, health, metrics; loopback only'),
  HOLDFAST_STREAM_WORKER_PORT: port(8813).describe('Stream worker: health, metrics; loopback only'),
  HOLDFAST_MEDIA_WORKER_PORT: port(8814).describe('Media worker: health, metrics; loopback only'),
  HOLDFAST_TEMPORAL_PORT: port(7233).describe('Port of the Temporal server that npm start runs'),
  HOLDFAST_TEMPORAL_UI_PORT: port(8233).describe('Port of its web UI'),
  HOLDFAST_POSTGRES_PORT: port(54320).describe('Port of the Postgres that npm start runs'),
  HOLDFAST_TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[^\s:/]+:\d+$/, 'must be host:port')
    .optional()
    .describe('A running Temporal server (host:port); npm start then runs none'),
  HOLDFAST_TEMPORAL_NAMESPACE: z.string().min(1).default('default').describe('Temporal namespace'),
  HOLDFAST_DATABASE_URL: url(['postgres', 'postgresql']).optional().describe('A running Postgres; npm start then runs none'),
  HOLDFAST_DATA_DIR: z
    .string()
    .min(1)
    .default('.holdfast')
    .transform((path) => resolve(path))
    .describe('Segments, databases, logs, keys, run.json'),
  HOLDFAST_CACHE_DIR: z
    .string()
    .min(1)
    .default(join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'holdfast'))
    .describe('Downloaded toolchain'),
  HOLDFAST_FFMPEG: z.string().min(1).optional().describe('Path of the ffmpeg to use'),
  HOLDFAST_TEMPORAL_BIN: z.string().min(1).optional().describe('Path of the Temporal CLI to use'),
  HOLDFAST_MASTER_KEY: z
    .string()
    .regex(/^[0-9a-f]{64}$/i, 'must be 64 hexadecimal digits')
    .optional()
    .describe('Key that encrypts secrets in the database; npm start makes one in the data folder'),
  HOLDFAST_HOST_ID: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 letters, digits, dots, dashes')
    .default('local')
    .describe('Name of this media host; must stay the same over restarts'),
  HOLDFAST_PUBLIC_RTMP_URL: publicUrl(['rtmp']).optional().describe('RTMP address shown to encoders, if it differs from the bound one'),
  HOLDFAST_PUBLIC_PLAYBACK_URL: publicUrl(['http', 'https']).optional().describe('Playback address shown to viewers (a CDN, say)'),
  HOLDFAST_TLS_CERT: file.describe(
    'PEM file of the certificate with its chain: playback over HTTPS, HTTP/2 included; renewals are taken up by themselves',
  ),
  HOLDFAST_TLS_KEY: file.describe('PEM file of its key'),
  HOLDFAST_VIEWER_CONNECTIONS: limit(2000).describe('Playback connections of one client address; 0 for any number'),
  HOLDFAST_VIEWER_HELD_REQUESTS: limit(2000).describe(
    'Playback requests of one client address that wait for the next part; 0 for any number',
  ),
  HOLDFAST_TRUSTED_PROXIES: networks.describe(
    'Addresses and networks of proxies and caches in front of API and playback, separated by commas. ' +
      'The API counts the clients they name (X-Forwarded-For); playback does not limit them, and never limits loopback',
  ),
  HOLDFAST_PUBLIC_API_URL: publicUrl(['http', 'https']).optional().describe('API address shown in links'),
  HOLDFAST_ALLOW_PRIVATE_ADDRESSES: flag.describe('Destinations and webhooks may point to loopback and private networks'),
  HOLDFAST_VIDEO_ENCODER: z
    .enum(['libx264', 'h264_nvenc', 'h264_vaapi', 'h264_qsv', 'h264_videotoolbox'])
    .default('libx264')
    .describe('H.264 encoder; checked when the media worker starts'),
  HOLDFAST_VIDEO_PRESET: z
    .enum(['ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium'])
    .default('veryfast')
    .describe('x264 preset'),
  HOLDFAST_MAX_BROADCASTS: z.coerce
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(16)
    .describe('Streams on one media host at once; a publisher more is refused: host full'),
  HOLDFAST_MAX_RESTREAMS: z.coerce
    .number()
    .int()
    .min(1)
    .max(5000)
    .default(500)
    .describe('Destinations one media host sends to at once; one more has to wait, and says so'),
  HOLDFAST_MAX_SOURCE_SIZE: size('3840x2160').describe('Largest picture an encoder may send, either way up'),
  HOLDFAST_MAX_SOURCE_FPS: z.coerce.number().min(1).max(240).default(120).describe('Most frames per second an encoder may send'),
  HOLDFAST_MAX_SOURCE_MBPS: z.coerce
    .number()
    .min(0.1)
    .max(1000)
    .default(60)
    .describe('Highest bit rate an encoder may send for long, in Mbit/s'),
  HOLDFAST_MIN_FREE_MIB: z.coerce
    .number()
    .int()
    .min(0)
    .default(1024)
    .describe('With less free space (MiB) in the data folder no new broadcasts are taken; with half of it segments stay in memory'),
  HOLDFAST_DRAIN_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .default(12 * 3600)
    .describe('After SIGTERM: how long ingest and media worker wait for running broadcasts to end'),
  HOLDFAST_RETENTION_HOURS: z.coerce
    .number()
    .min(0.01)
    .max(24 * 365)
    .default(72)
    .describe('How long the segments of an ended broadcast are kept unless it is recorded'),
  HOLDFAST_PART_DURATION: z
    .enum(['1', '0.5', '0.333', '0.2'])
    .default('0.333')
    .transform((value) => (value === '0.333' ? 1 / 3 : Number(value)))
    .describe('Seconds of a part of low-latency streams: shorter is nearer to live and more requests'),
  HOLDFAST_SEGMENT_CACHE_MIB: z.coerce
    .number()
    .int()
    .min(16)
    .max(65_536)
    .default(128)
    .describe(
      'Memory (MiB) of the origin for the newest segments of all broadcasts: half a minute of seven ladders of 5 Mbit/s. ' +
        'What is not there is read from disk',
    ),
  HOLDFAST_VIEWER_PROCESSES: limit(0).describe(
    'Processes of the origin that serve viewers, for more than one core can; 0: the origin serves them itself',
  ),
  HOLDFAST_RATE_LIMIT_PER_MINUTE: z.coerce
    .number()
    .int()
    .min(1)
    .default(1200)
    .describe('API requests per credential and minute; without a valid one per client network'),
  HOLDFAST_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info').describe('Log level of every process'),
});

export type Environment = z.infer<typeof ENVIRONMENT>;

/** Thrown at start, before anything runs; the message names each bad variable and what it must be. */
export class EnvironmentError extends Error {}

/** Reads and checks the environment once; only entry files call this. Unknown HOLDFAST_ names are refused: a typo must not be silent. */
export function readEnvironment(env: NodeJS.ProcessEnv = process.env): Environment {
  const known = Object.keys(ENVIRONMENT.shape);
  const unknown = Object.keys(env).filter((name) => name.startsWith('HOLDFAST_') && !known.includes(name));
  const given = Object.fromEntries(known.map((name) => [name, env[name] === '' ? undefined : env[name]]));
  const parsed = ENVIRONMENT.safeParse(given);
  const problems = [
    ...unknown.map((name) => `${name} is not a setting of Holdfast`),
    ...((given.HOLDFAST_TLS_CERT === undefined) === (given.HOLDFAST_TLS_KEY === undefined)
      ? []
      : ['HOLDFAST_TLS_CERT and HOLDFAST_TLS_KEY belong together: set both or neither']),
    ...(parsed.success ? [] : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)),
  ];
  if (problems.length > 0 || !parsed.success) throw new EnvironmentError(`The environment is not valid:\n  ${problems.join('\n  ')}`);
  return parsed.data;
}
