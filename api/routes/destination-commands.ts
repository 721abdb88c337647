import { HoldfastError } from '../../domain/errors.js';
import type { ApiDependencies } from '../dependencies.js';
import { destinationBody } from '../destination-view.js';
import { DESTINATION_PARAMS, DESTINATION_PATH, findDestination } from '../find-destination.js';
import { findStream } from '../find-stream.js';
import { defineRoute, type Answer, type Route } from '../route.js';
import { destinationSchema } from '../schemas/destination.js';

type Command = 'start' | 'stop' | 'retry';

const common = {
  method: 'post',
  tag: 'Destinations',
  permissions: ['stream:write'],
  params: DESTINATION_PARAMS,
} as const;
const taken = { 202: { description: 'The command was taken.', schema: destinationSchema } };
const outages = ['temporal_unavailable', 'workers_unavailable'] as const;

/** What makes a restream do something within the present broadcast. */
export function destinationCommandRoutes(deps: ApiDependencies): Route[] {
  async function run(command: Command, params: Record<string, string>, attemptId: string): Promise<Answer> {
    const stream = await findStream(deps, params.streamId!);
    const destination = await findDestination(deps, stream.id, params.destinationId!);
    const wanted = { destinationId: destination.id, command };
    const answer = stream.status === 'ended' ? null : await deps.commands.destination(stream.id, wanted, attemptId);
    if (answer?.state) return { status: 202, body: destinationBody(destination, answer.state) };
    if (command === 'stop') return { status: 200, body: destinationBody(destination) };
    throw new HoldfastError(answer ? 'stream_not_live' : 'stream_ended');
  }

  return [
    defineRoute({
      ...common,
      path: `${DESTINATION_PATH}/start`,
      operationId: 'startDestination',
      summary: 'Send to a destination now',
      description: 'Within the present broadcast, also if it is not enabled. Sending it again changes nothing.',
      answers: taken,
      errors: ['stream_ended', 'stream_not_live', ...outages],
      handle: ({ params, attemptId }) => run('start', params, attemptId),
    }),
    defineRoute({
      ...common,
      path: `${DESTINATION_PATH}/stop`,
      operationId: 'stopDestination',
      summary: 'Stop sending to a destination',
      description: 'Until it is started again, or the next broadcast begins. Others go on undisturbed.',
      answers: { ...taken, 200: { description: 'Nothing was sent to it.', schema: destinationSchema } },
      errors: outages,
      handle: ({ params, attemptId }) => run('stop', params, attemptId),
    }),
    defineRoute({
      ...common,
      path: `${DESTINATION_PATH}/retry`,
      operationId: 'retryDestination',
      summary: 'Connect to a destination now, without waiting for its next attempt',
      description: 'Also after it has failed.',
      answers: taken,
      errors: ['stream_ended', 'stream_not_live', ...outages],
      handle: ({ params, attemptId }) => run('retry', params, attemptId),
    }),
  ];
}
