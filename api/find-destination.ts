import type { DestinationRecord } from '../platform/db/repositories/destinations.js';
import { HoldfastError } from '../domain/errors.js';
import type { ApiDependencies } from './dependencies.js';
import { STREAM_PARAM } from './find-stream.js';
import { DESTINATION_ID } from './ids.js';

export const DESTINATIONS_PATH = '/v1/streams/{streamId}/destinations';
export const DESTINATION_PATH = `${DESTINATIONS_PATH}/{destinationId}`;

/** The parameters of every call on one destination. */
export const DESTINATION_PARAMS = {
  ...STREAM_PARAM,
  destinationId: { pattern: DESTINATION_ID, missing: 'destination_not_found', description: 'Id of a destination.' },
} as const;

/** Throws `destination_not_found`. */
export async function findDestination(
  { destinations }: Pick<ApiDependencies, 'destinations'>,
  streamId: string,
  id: string,
): Promise<DestinationRecord> {
  const destination = await destinations.find(streamId, id);
  if (!destination) throw new HoldfastError('destination_not_found');
  return destination;
}
