import { z } from 'zod';
import type { ControlAccess } from '../../domain/contracts/control-access.js';
import { ERROR_KINDS, HoldfastError } from '../../domain/errors.js';
import { LATENCIES, PLAYBACK_POLICIES } from '../../domain/stream.js';
import type { Logger } from '../../platform/log/logger.js';
import { type ControlAnswer, type ControlRequest, createControlHandler, parseJson } from '../../platform/ops/control-request.js';
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

export interface OriginControlOptions {
  broadcasts: Broadcasts;
  access: ControlAccess;
  log: Logger;
}

/** The requests of domain/contracts/origin-control.ts; false for every other address. */
export function createControlApi({ broadcasts, access, log }: OriginControlOptions) {
  return createControlHandler({
    owns: (path) => ROUTE.test(path),
    access,
    answer: (request) => answer(broadcasts, request),
    explain,
    log,
  });
}

async function answer(broadcasts: Broadcasts, request: ControlRequest): Promise<ControlAnswer> {
  const { method, path, query, response } = request;
  const [, broadcastId, action] = ROUTE.exec(path) ?? [];
  if (broadcastId === undefined) {
    if (method !== 'GET') throw new HoldfastError('method_not_allowed');
    return { status: 200, body: broadcasts.listOpen() };
  }
  if (!ID_PATTERN.test(broadcastId)) throw new HoldfastError('broadcast_not_found');
  switch (`${method} ${action ?? ''}`) {
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

const readBody = async <T>(request: ControlRequest, schema: z.ZodType<T>): Promise<T> =>
  schema.parse(parseJson(await request.body(MAX_BODY_BYTES)));

function explain(error: unknown): HoldfastError | null {
  if (error instanceof z.ZodError) {
    const problems = error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    return new HoldfastError('invalid_request', `${ERROR_KINDS.invalid_request.message} ${problems}`);
  }
  return (error as NodeJS.ErrnoException).code === 'ENOSPC' ? new HoldfastError('disk_full') : null;
}
