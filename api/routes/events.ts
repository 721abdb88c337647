import type { ApiDependencies } from '../dependencies.js';
import { findStream, STREAM_PARAM } from '../find-stream.js';
import { defineRoute, type Route } from '../route.js';
import { eventPageSchema, listEventsQuery } from '../schemas/event.js';

export function eventRoutes(deps: ApiDependencies): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/v1/streams/{streamId}/events',
      operationId: 'listEvents',
      tag: 'Events',
      summary: 'List what happened to a stream, oldest first',
      permissions: ['stream:read'],
      params: STREAM_PARAM,
      query: listEventsQuery,
      answers: { 200: { description: 'A page of events.', schema: eventPageSchema } },
      async handle({ params, query: { after, limit } }) {
        const { id } = await findStream(deps, params.streamId!);
        const { items, more } = await deps.events.listOf(id, after, limit);
        const last = items.at(-1);
        return { status: 200, body: { data: items, nextCursor: more && last ? String(last.sequence) : null } };
      },
    }),
  ];
}
