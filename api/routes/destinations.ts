import type { RestreamState } from '../../domain/destination.js';
import { HoldfastError } from '../../domain/errors.js';
import { decodeCursor, nextCursor } from '../cursor.js';
import type { ApiDependencies } from '../dependencies.js';
import { changeDestinationSettings, toDestinationSettings } from '../destination-settings.js';
import { destinationBody } from '../destination-view.js';
import { DESTINATION_PARAMS, DESTINATION_PATH, DESTINATIONS_PATH, findDestination } from '../find-destination.js';
import { findStream, STREAM_PARAM } from '../find-stream.js';
import { destinationIdOf } from '../ids.js';
import { defineRoute, type Route } from '../route.js';
import { pageOf } from '../schemas/common.js';
import {
  createDestinationBody,
  deletedDestinationSchema,
  destinationSchema,
  listDestinationsQuery,
  patchDestinationBody,
  type PatchDestination,
} from '../schemas/destination.js';
import { wasNeverSent } from '../workflow-commands.js';
import { tellDestination } from '../tell-destination.js';

const TAG = 'Destinations';
/** Of a cursor. */
const LIST = 'destinations';

const TARGET_ERRORS = ['destination_url_invalid', 'destination_address_forbidden'] as const;
const COMMAND_ERRORS = ['temporal_unavailable', 'workers_unavailable'] as const;

export function destinationRoutes(deps: ApiDependencies): Route[] {
  const { destinations } = deps;

  /** Who was told that nothing was created shall not find it in the list. If the workflow may know it, it stays. */
  async function startOrTakeBack(streamId: string, id: string, attemptId: string): Promise<RestreamState | null> {
    try {
      const command = { destinationId: id, command: 'start' as const };
      return (await tellDestination(deps, streamId, command, attemptId)).state;
    } catch (error) {
      if (wasNeverSent(error)) await destinations.remove(streamId, id);
      throw error;
    }
  }

  /** Stored, then told; `enabled` goes back if telling fails, so that sending the change again is the same change. */
  async function change(streamId: string, id: string, body: PatchDestination, attemptId: string) {
    let wasEnabled = false;
    const changed = await destinations.update(streamId, id, (stored) => {
      wasEnabled = stored.enabled;
      return changeDestinationSettings(stored, body, deps);
    });
    if (!changed) throw new HoldfastError('destination_not_found');
    let state: RestreamState | null = null;
    try {
      for (const command of commandsFor(wasEnabled, body)) {
        ({ state } = await tellDestination(deps, streamId, { destinationId: id, command }, attemptId));
      }
    } catch (error) {
      if (body.enabled !== undefined) {
        await destinations.update(streamId, id, (stored) => ({ ...stored, enabled: wasEnabled }));
      }
      throw error;
    }
    return destinationBody(changed, state);
  }

  return [
    defineRoute({
      method: 'get',
      path: DESTINATIONS_PATH,
      operationId: 'listDestinations',
      tag: TAG,
      summary: 'List the destinations of a stream, oldest first',
      permissions: ['stream:read'],
      params: STREAM_PARAM,
      query: listDestinationsQuery,
      answers: { 200: { description: 'A page of destinations.', schema: pageOf(destinationSchema) } },
      errors: ['invalid_cursor'],
      async handle({ params, query: { cursor, limit } }) {
        const { id } = await findStream(deps, params.streamId!);
        const page = await destinations.listOf(id, { after: decodeCursor(LIST, cursor), limit });
        const data = page.items.map((destination) => destinationBody(destination));
        return { status: 200, body: { data, nextCursor: nextCursor(LIST, page, (destination) => destination) } };
      },
    }),
    defineRoute({
      method: 'post',
      path: DESTINATIONS_PATH,
      operationId: 'createDestination',
      tag: TAG,
      summary: 'Add a destination',
      description: 'While the stream is live, sending to it begins at once unless `enabled` is false.',
      permissions: ['stream:write'],
      params: STREAM_PARAM,
      body: createDestinationBody,
      answers: { 201: { description: 'The destination.', schema: destinationSchema } },
      errors: ['stream_ended', ...TARGET_ERRORS, ...COMMAND_ERRORS],
      async handle({ params, body, attemptId }) {
        const settings = toDestinationSettings(body, deps);
        const stream = await findStream(deps, params.streamId!);
        if (stream.status === 'ended') throw new HoldfastError('stream_ended');
        const id = destinationIdOf(attemptId);
        await destinations.create([{ ...settings, id, streamId: stream.id }]);
        const state = settings.enabled ? await startOrTakeBack(stream.id, id, attemptId) : null;
        const created = await findDestination(deps, stream.id, id);
        const headers = { location: `/v1/streams/${stream.id}/destinations/${id}` };
        return { status: 201, body: destinationBody(created, state), headers };
      },
    }),
    defineRoute({
      method: 'get',
      path: DESTINATION_PATH,
      operationId: 'getDestination',
      tag: TAG,
      summary: 'Read a destination',
      permissions: ['stream:read'],
      params: DESTINATION_PARAMS,
      answers: { 200: { description: 'The destination.', schema: destinationSchema } },
      async handle({ params }) {
        const { id } = await findStream(deps, params.streamId!);
        return { status: 200, body: destinationBody(await findDestination(deps, id, params.destinationId!)) };
      },
    }),
    defineRoute({
      method: 'patch',
      path: DESTINATION_PATH,
      operationId: 'updateDestination',
      tag: TAG,
      summary: 'Change a destination',
      description:
        'Fields that are not sent stay. While the stream is live a change counts at once: `enabled` starts or stops ' +
        'sending, another URL, key, rendition or slate connects anew; others go on undisturbed.',
      permissions: ['stream:write'],
      params: DESTINATION_PARAMS,
      body: patchDestinationBody,
      answers: { 200: { description: 'The changed destination.', schema: destinationSchema } },
      errors: [...TARGET_ERRORS, ...COMMAND_ERRORS],
      async handle({ params, body, attemptId }) {
        const { id } = await findStream(deps, params.streamId!);
        return { status: 200, body: await change(id, params.destinationId!, body, attemptId) };
      },
    }),
    defineRoute({
      method: 'delete',
      path: DESTINATION_PATH,
      operationId: 'deleteDestination',
      tag: TAG,
      summary: 'Delete a destination',
      description: 'Sending to it ends first. From then on it is not found.',
      permissions: ['stream:write'],
      params: DESTINATION_PARAMS,
      answers: { 200: { description: 'It is gone.', schema: deletedDestinationSchema } },
      errors: COMMAND_ERRORS,
      async handle({ params, attemptId }) {
        const { id: streamId } = await findStream(deps, params.streamId!);
        const { id } = await findDestination(deps, streamId, params.destinationId!);
        const tell = () => tellDestination(deps, streamId, { destinationId: id, command: 'removed' }, attemptId);
        const { told } = await tell();
        await destinations.remove(streamId, id);
        // A broadcast may have begun meanwhile and have read the row just before it went.
        if (!told) await tell();
        return { status: 200, body: { id, deleted: true } };
      },
    }),
  ];
}

/** What the workflow has to know, in this order, of a change that is stored. */
export function commandsFor(wasEnabled: boolean, { enabled }: PatchDestination): ('start' | 'stop' | 'changed')[] {
  if (enabled === false) return ['stop'];
  // It may be sent to already, by `start`: then only the second one does something.
  return enabled === true && !wasEnabled ? ['start', 'changed'] : ['changed'];
}
