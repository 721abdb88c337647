import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { ERROR_KINDS, HoldfastError } from '../../domain/errors.js';
import { LATENCIES, PLAYBACK_POLICIES } from '../../domain/stream.js';
import type { Logger } from '../../platform/log/logger.js';
import type { Broadcasts } from '../broadcasts.js';
import { ID_PATTERN } from '../id-pattern.js';

const id = z.string().regex(ID_PATTERN);

const openBroadcast = z.object({
  playbackId: id,
  streamId: id,
  latency: z.enum(LATENCIES),
  playbackPolicy: z.enum(PLAYBACK_POLICIES),
  keep: z.boolean().optional(),
});

const bitrate = z.number().positive();
const MAX_RENDITION_ID = 24;
const rendition = z.discriminatedUnion('kind', [
  z.object({
    id: z
      .string()
      .regex(/^[a-z0-9]+$/)
      .max(MAX_RENDITION_ID),
    kind: z.literal('video'),
    width: z.number().int().positive(),
    height: z.number().int().positive(),
    frameRate: z.number().positive().max(240),
    bitrate,
    copied: z.literal(true).optional(),
  }),
  z.object({ id: z.literal('audio'), kind: z.literal('audio'), bitrate, sampleRate: z.literal(48000), channels: z.literal(2) }),
]);
/** Leaves a broadcast more numbers than it can use before its files' names have ten digits. */
const MAX_FROM_SEQUENCE = 500_000_000;
const startEncode = z.object({
  epoch: z.number().int().positive(),
  gopSeconds: z.number().min(0.5).max(20),
  firstGopSeconds: z.number().min(0.04).max(10).optional(),
  fromSequence: z.number().int().min(0).max(MAX_FROM_SEQUENCE).optional(),
  receivedAt: z.number().positive().optional(),
  renditions: z
    .array(rendition)
    .min(1)
    .max(16)
    .refine((list) => new Set(list.map((entry) => entry.id)).size === list.length, 'rendition ids must differ'),
});

/** Longest hold of GET …/playable; callers ask again. */
const MAX_PLAYABLE_WAIT_MS = 60_000;
const MAX_BODY_BYTES = 64 * 1024;
const ROUTE = /^\/broadcasts(?:\/([^/]+)(?:\/(encodes|playable|end))?)?$/;

/** An answer's status and body; undefined = 204. */
type Answer = { status: number; body?: unknown };

/** The requests of domain/contracts/origin-control.ts; false for every other address. */
export function createControlApi(broadcasts: Broadcasts, log: Logger) {
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    const match = ROUTE.exec(path);
    if (!match) return false;
    answer(broadcasts, request, response, match[1], match[2], new URLSearchParams(query))
      .catch((error: unknown) => describeError(error, log))
      .then(({ status, body }) => send(response, status, body))
      .catch((error: unknown) => log.error({ reason: String(error) }, 'control answer not sent'));
    return true;
  };
}

async function answer(
  broadcasts: Broadcasts,
  request: IncomingMessage,
  response: ServerResponse,
  broadcastId: string | undefined,
  action: string | undefined,
  query: URLSearchParams,
): Promise<Answer> {
  if (broadcastId === undefined) {
    if (request.method !== 'GET') throw new HoldfastError('method_not_allowed');
    return { status: 200, body: broadcasts.listOpen() };
  }
  if (!ID_PATTERN.test(broadcastId)) throw new HoldfastError('broadcast_not_found');
  switch (`${request.method} ${action ?? ''}`) {
    case 'PUT ':
      return { status: 200, body: await broadcasts.open(broadcastId, await readBody(request, openBroadcast)) };
    case 'GET ':
      return { status: 200, body: await broadcasts.status(broadcastId) };
    case 'DELETE ':
      await broadcasts.remove(broadcastId);
      return { status: 204 };
    case 'POST encodes': {
      const body = await readBody(request, startEncode);
      return { status: 200, body: await (await broadcasts.live(broadcastId)).startEncode(body) };
    }
    case 'POST end':
      return { status: 200, body: await broadcasts.end(broadcastId) };
    case 'GET playable': {
      const timeoutMs = z.coerce
        .number()
        .min(0)
        .parse(query.get('timeoutMs') ?? 0);
      const gone = new AbortController();
      response.once('close', () => gone.abort());
      const status = await broadcasts.playable(broadcastId, Math.min(timeoutMs, MAX_PLAYABLE_WAIT_MS), gone.signal);
      return { status: 200, body: status };
    }
    default:
      throw new HoldfastError('method_not_allowed');
  }
}

async function readBody<T>(request: IncomingMessage, schema: z.ZodType<T>): Promise<T> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new HoldfastError('payload_too_large');
    chunks.push(chunk);
  }
  return schema.parse(parseJson(Buffer.concat(chunks).toString('utf8')));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new HoldfastError('invalid_json');
  }
}

function describeError(error: unknown, log: Logger): Answer {
  const known = asHoldfastError(error);
  if (known.code === 'internal' || known.code === 'disk_full') log.error({ reason: String(error) }, 'control request failed');
  return { status: known.kind.status, body: { code: known.code, message: known.message, ...known.details } };
}

function asHoldfastError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  if (error instanceof z.ZodError) {
    const problems = error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    return new HoldfastError('invalid_request', `${ERROR_KINDS.invalid_request.message} ${problems}`);
  }
  return new HoldfastError((error as NodeJS.ErrnoException).code === 'ENOSPC' ? 'disk_full' : 'internal');
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}
