import type { StreamRecord } from '../../platform/db/repositories/streams.js';
import { HoldfastError } from '../../domain/errors.js';
import type { StreamState } from '../../workflows/messages.js';
import type { ApiDependencies } from '../dependencies.js';
import { newStreamKey } from '../ids.js';
import { findStream, STREAM_PARAM } from '../find-stream.js';
import { defineRoute, type Answer, type Route } from '../route.js';
import { streamSchema } from '../schemas/stream.js';
import { addressesOfStream } from '../playback-addresses.js';
import { streamBody, withState } from '../stream-view.js';

const common = {
  method: 'post',
  tag: 'Streams',
  permissions: ['stream:write'],
  params: STREAM_PARAM,
  errors: ['temporal_unavailable', 'workers_unavailable'],
} as const;

/** What makes a stream do something. */
export function streamCommandRoutes(deps: ApiDependencies): Route[] {
  const { streams, commands } = deps;
  const bodyOf = async (stream: StreamRecord) => streamBody(stream, await addressesOfStream(deps, stream.id));

  /** The stream after a switch that only a stream with a future has. */
  async function flip(streamId: string, command: (id: string) => Promise<StreamState | null>): Promise<Answer> {
    const stream = await findStream(deps, streamId);
    const state = stream.status === 'ended' ? null : await command(streamId);
    if (!state) throw new HoldfastError('stream_ended');
    const body = { ...(await bodyOf(withState(stream, state))), statusSource: 'workflow' };
    return { status: 200, body };
  }

  /** Whoever is told that the command was not taken still has a key that works. */
  async function tellOrRestore(streamId: string, oldKey: string): Promise<void> {
    try {
      await commands.keyRotated(streamId);
    } catch (error) {
      await streams.replaceStreamKey(streamId, oldKey);
      throw error;
    }
  }

  return [
    defineRoute({
      ...common,
      path: '/v1/streams/{streamId}/end',
      operationId: 'endStream',
      summary: 'End a stream, or the broadcast of a reusable one',
      description: 'Answers once the end has begun. Sending it again changes nothing.',
      answers: {
        202: { description: 'The end has begun.', schema: streamSchema },
        200: { description: 'It had ended already.', schema: streamSchema },
      },
      async handle({ params, attemptId }) {
        const stream = await findStream(deps, params.streamId!);
        const result = stream.status === 'ended' ? null : await commands.end(stream.id, attemptId);
        // Read again: the workflow answers after its projection is written.
        const after = await findStream(deps, stream.id);
        if (!result) {
          const ended = { ...after, status: 'ended' as const };
          return { status: 200, body: { ...(await bodyOf(ended)), statusSource: 'projection' } };
        }
        const body = { ...(await bodyOf({ ...after, status: result.status })), statusSource: 'workflow' };
        return { status: result.alreadyEnded ? 200 : 202, body };
      },
    }),
    defineRoute({
      ...common,
      path: '/v1/streams/{streamId}/disable',
      operationId: 'disableStream',
      summary: 'Disable a stream',
      description: 'Ends a broadcast, if there is one, and refuses publishers until the stream is enabled.',
      answers: { 200: { description: 'The disabled stream.', schema: streamSchema } },
      errors: [...common.errors, 'stream_ended'],
      handle: ({ params, attemptId }) => flip(params.streamId!, (id) => commands.disable(id, attemptId)),
    }),
    defineRoute({
      ...common,
      path: '/v1/streams/{streamId}/enable',
      operationId: 'enableStream',
      summary: 'Enable a stream',
      answers: { 200: { description: 'The enabled stream.', schema: streamSchema } },
      errors: [...common.errors, 'stream_ended'],
      handle: ({ params, attemptId }) => flip(params.streamId!, (id) => commands.enable(id, attemptId)),
    }),
    defineRoute({
      ...common,
      path: '/v1/streams/{streamId}/rotate-key',
      operationId: 'rotateStreamKey',
      summary: 'Replace the stream key',
      description: 'The old key is refused from now on, and whoever publishes with it is disconnected.',
      answers: { 200: { description: 'The stream with its new key.', schema: streamSchema } },
      errors: ['temporal_unavailable'],
      async handle({ params }) {
        const before = await streams.findStreamKey(params.streamId!);
        const streamKey = newStreamKey();
        const stream = before === null ? null : await streams.replaceStreamKey(params.streamId!, streamKey);
        if (!stream || before === null) throw new HoldfastError('stream_not_found');
        if (stream.status !== 'ended') await tellOrRestore(stream.id, before);
        return { status: 200, body: { ...(await bodyOf(stream)), streamKey } };
      },
    }),
  ];
}
