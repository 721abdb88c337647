import type { DestinationRecord } from '../platform/db/repositories/destinations.js';
import type { RestreamState } from '../domain/destination.js';
import { redactDestinationUrl } from '../domain/destination-url.js';
import type { DestinationBody } from './schemas/destination.js';
import { iso } from './iso.js';

/** The destination as the API shows it: never its key. `state`: what its workflow has just said, newer than any row. */
export function destinationBody(destination: DestinationRecord, state: RestreamState | null = null): DestinationBody {
  const { id, name, platform, url, streamKey, enabled, rendition, slate, bytesSent } = destination;
  const { status, attempts, lastError } = state ?? destination;
  return {
    id,
    name,
    platform,
    url: redactDestinationUrl(url, streamKey),
    enabled,
    rendition,
    slate,
    status,
    attempts,
    lastError,
    nextAttemptAt: state ? state.nextAttemptAt : iso(destination.nextAttemptAt),
    bytesSent,
    startedAt: state ? state.startedAt : iso(destination.startedAt),
    createdAt: destination.createdAt.toISOString(),
    updatedAt: destination.updatedAt.toISOString(),
  };
}
