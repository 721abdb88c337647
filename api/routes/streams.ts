import { setTimeout as delay } from 'node:timers/promises';
import { holdsOneOf } from '../../platform/auth/permissions.js';
import { HoldfastError } from '../../domain/errors.js';
import type { StreamState } from '../../workflows/messages.js';
import type { StreamRecord } from '../../platform/db/repositories/streams.js';
import { decodeCursor, nextCursor } from '../cursor.js';
import type { ApiDependencies } from '../dependencies.js';
import { toDestinationSettings } from '../destination-settings.js';
import { destinationBody } from '../destination-view.js';
import { findStream, STREAM_PARAM } from '../find-stream.js';
import { newDestinationId, newPlaybackId, newStreamKey, streamIdOf } from '../ids.js';
import { defineRoute, type Route } from '../route.js';
import { pageOf } from '../schemas/common.js';
import {
  createStreamBody,
  deletedStreamSchema,
  listStreamsQuery,
  MAX_DESTINATIONS,
  patchStreamBody,
  streamSchema,
} from '../schemas/stream.js';
import { wasNeverSent, type StreamCommands } from '../workflow-commands.js';
import { addressesOfStream, addressesOfStreams } from '../playback-addresses.js';
import { streamBody, withState } from '../stream-view.js';

const TAG = 'Streams';
const PATH = '/v1/streams/{streamId}';
/** Of a cursor. */
const LIST = 'streams';

/** A database that is slow or away must not hold a read: then the status is shown without its event. */
const WRITTEN_WAIT_MS = 500;
const WRITTEN_POLL_MS = 20;

export function streamRoutes(deps: ApiDependencies): Route[] {
  const { streams, commands, addresses } = deps;
  return [
    defineRoute({
      method: 'post',
      path: '/v1/streams',
      operationId: 'createStream',
      tag: TAG,
      summary: 'Create a stream',
      permissions: ['stream:write'],
      body: createStreamBody,
      answers: { 201: { description: 'The stream with its key.', schema: streamSchema } },
      errors: ['temporal_unavailable', 'destination_url_invalid', 'destination_address_forbidden'],
      restrict({ streamId }) {
        if (streamId !== null) throw new HoldfastError('forbidden', 'A token for one stream creates none.');
      },
      async handle({ body, attemptId }) {
        const id = streamIdOf(attemptId);
        const destinations = body.destinations.map((destination, index) => ({
          ...toDestinationSettings(destination, deps, `destinations.${index}.`),
          id: newDestinationId(),
          streamId: id,
        }));
        const wanted = { ...body, id, playbackId: newPlaybackId(), streamKey: newStreamKey() };
        const { stream, streamKey } = await streams.create(wanted, destinations);
        await startOrTakeBack(deps, stream.id);
        const added = await deps.destinations.listOf(id, { after: null, limit: MAX_DESTINATIONS });
        const shown = added.items.map((destination) => destinationBody(destination));
        const headers = { location: `/v1/streams/${id}` };
        return { status: 201, body: { ...streamBody(stream, addresses), streamKey, destinations: shown }, headers };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/streams',
      operationId: 'listStreams',
      tag: TAG,
      summary: 'List streams, newest first',
      description: 'A token for one stream lists that one.',
      permissions: ['stream:read'],
      query: listStreamsQuery,
      answers: { 200: { description: 'A page of streams, without their keys.', schema: pageOf(streamSchema) } },
      errors: ['invalid_cursor'],
      async handle({ query: { status, cursor, limit }, credential }) {
        const filter = { status, streamId: credential.streamId ?? undefined };
        const page = await streams.list(filter, { after: decodeCursor(LIST, cursor), limit });
        const addressesFor = await addressesOfStreams(
          deps,
          page.items.map(({ id }) => id),
        );
        const data = page.items.map((stream) => streamBody(stream, addressesFor(stream.id)));
        return { status: 200, body: { data, nextCursor: nextCursor(LIST, page, (stream) => stream) } };
      },
    }),
    defineRoute({
      method: 'get',
      path: PATH,
      operationId: 'getStream',
      tag: TAG,
      summary: 'Read a stream',
      description: "The status is asked from the stream's workflow; see `statusSource`.",
      permissions: ['stream:read', 'stream:publish'],
      params: STREAM_PARAM,
      answers: { 200: { description: 'The stream; its key for who may publish or write.', schema: streamSchema } },
      async handle({ params, credential }) {
        const stream = await findStream(deps, params.streamId!);
        const showKey = holdsOneOf(credential, ['stream:publish', 'stream:write']);
        const [current, there, streamKey] = await Promise.all([
          askState(deps, stream),
          addressesOfStream(deps, stream.id),
          showKey ? streams.findStreamKey(stream.id) : null,
        ]);
        const body = { ...streamBody(current ?? stream, there), statusSource: current ? 'workflow' : 'projection' };
        return { status: 200, body: streamKey === null ? body : { ...body, streamKey } };
      },
    }),
    defineRoute({
      method: 'patch',
      path: PATH,
      operationId: 'updateStream',
      tag: TAG,
      summary: 'Change a stream',
      description: 'Fields that are not sent stay. Settings count from the next broadcast.',
      permissions: ['stream:write'],
      params: STREAM_PARAM,
      body: patchStreamBody,
      answers: { 200: { description: 'The changed stream.', schema: streamSchema } },
      async handle({ params, body }) {
        const stream = await streams.update(params.streamId!, body);
        if (!stream) throw new HoldfastError('stream_not_found');
        return { status: 200, body: streamBody(stream, await addressesOfStream(deps, stream.id)) };
      },
    }),
    defineRoute({
      method: 'delete',
      path: PATH,
      operationId: 'deleteStream',
      tag: TAG,
      summary: 'Delete a stream',
      description: 'Ends a broadcast first; files, recordings and events go too. From then on the stream is not found.',
      permissions: ['stream:write'],
      params: STREAM_PARAM,
      answers: { 202: { description: 'The stream will be removed.', schema: deletedStreamSchema } },
      errors: ['temporal_unavailable', 'workers_unavailable'],
      async handle({ params }) {
        const { id } = await findStream(deps, params.streamId!);
        // First what must not be lost: once the workflow knows, the row may be hidden.
        await commands.delete(id);
        await streams.markDeleted(id);
        return { status: 202, body: { id, deleted: true } };
      },
    }),
  ];
}

/** Who was told that the stream was not created shall not find it in the list. If it may have been, it stays. */
async function startOrTakeBack({ commands, streams }: ApiDependencies, id: string): Promise<void> {
  try {
    await commands.start(id);
  } catch (error) {
    if (wasNeverSent(error)) await streams.takeBack(id);
    throw error;
  }
}

/** Null when the workflow does not answer; an ended stream's is not asked, it has completed. */
async function askState({ commands, log }: ApiDependencies, stream: StreamRecord): Promise<StreamRecord | null> {
  if (stream.status === 'ended') return null;
  try {
    return withState(stream, await writtenState(commands, stream.id));
  } catch (error) {
    log.debug({ streamId: stream.id, reason: String(error) }, 'the workflow did not answer; showing the projection');
    return null;
  }
}

/** A reader who sees a status shall find its event in the timeline; writing it takes the workflow some milliseconds. */
async function writtenState(commands: StreamCommands, streamId: string): Promise<StreamState> {
  const deadline = Date.now() + WRITTEN_WAIT_MS;
  for (;;) {
    const state = await commands.state(streamId);
    if (state.written || Date.now() > deadline) return state;
    await delay(WRITTEN_POLL_MS);
  }
}
