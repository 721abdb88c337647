import { coversStream } from '../../platform/auth/permissions.js';
import type { BroadcastRecord } from '../../platform/db/repositories/broadcasts.js';
import { HoldfastError } from '../../domain/errors.js';
import { decodeCursor, nextCursor } from '../cursor.js';
import type { ApiDependencies } from '../dependencies.js';
import { RESOURCE_ID } from '../ids.js';
import { findStream, STREAM_PARAM } from '../find-stream.js';
import { defineRoute, type Route } from '../route.js';
import { broadcastSchema, listQuery, type BroadcastBody } from '../schemas/broadcast.js';
import { pageOf } from '../schemas/common.js';
import { iso } from '../iso.js';

const TAG = 'Broadcasts';
/** Of a cursor. */
const LIST = 'broadcasts';

export function broadcastRoutes(deps: ApiDependencies): Route[] {
  const { broadcasts } = deps;
  return [
    defineRoute({
      method: 'get',
      path: '/v1/streams/{streamId}/broadcasts',
      operationId: 'listBroadcasts',
      tag: TAG,
      summary: 'List the broadcasts of a stream, newest first',
      permissions: ['stream:read'],
      params: STREAM_PARAM,
      query: listQuery,
      answers: { 200: { description: 'A page of broadcasts.', schema: pageOf(broadcastSchema) } },
      errors: ['invalid_cursor'],
      async handle({ params, query: { cursor, limit } }) {
        const { id } = await findStream(deps, params.streamId!);
        const page = await broadcasts.listOf(id, { after: decodeCursor(LIST, cursor), limit });
        const next = nextCursor(LIST, page, (broadcast) => ({ createdAt: broadcast.startedAt, id: broadcast.id }));
        return { status: 200, body: { data: page.items.map(broadcastBody), nextCursor: next } };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/broadcasts/{broadcastId}',
      operationId: 'getBroadcast',
      tag: TAG,
      summary: 'Read a broadcast',
      permissions: ['stream:read'],
      params: {
        broadcastId: { pattern: RESOURCE_ID, missing: 'broadcast_not_found', description: 'Id of a broadcast.' },
      },
      answers: { 200: { description: 'The broadcast.', schema: broadcastSchema } },
      async handle({ params, credential }) {
        const broadcast = await broadcasts.find(params.broadcastId!);
        // A token for another stream does not learn that the broadcast exists.
        if (!broadcast || !coversStream(credential, broadcast.streamId)) throw new HoldfastError('broadcast_not_found');
        return { status: 200, body: broadcastBody(broadcast) };
      },
    }),
  ];
}

const broadcastBody = (broadcast: BroadcastRecord): BroadcastBody => ({
  ...broadcast,
  startedAt: broadcast.startedAt.toISOString(),
  liveAt: iso(broadcast.liveAt),
  endedAt: iso(broadcast.endedAt),
  mediaDeletedAt: iso(broadcast.mediaDeletedAt),
});
