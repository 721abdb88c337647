import type { StreamRecord } from '../platform/db/repositories/streams.js';
import { HoldfastError } from '../domain/errors.js';
import type { ApiDependencies } from './dependencies.js';
import { STREAM_ID } from './ids.js';

/** The parameter of every call on one stream. */
export const STREAM_PARAM = {
  streamId: { pattern: STREAM_ID, missing: 'stream_not_found', description: 'Id of a stream.' },
} as const;

/** Throws `stream_not_found`. */
export async function findStream({ streams }: Pick<ApiDependencies, 'streams'>, id: string): Promise<StreamRecord> {
  const stream = await streams.find(id);
  if (!stream) throw new HoldfastError('stream_not_found');
  return stream;
}
