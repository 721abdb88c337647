import { setTimeout as delay } from 'node:timers/promises';
import type { IngestClient } from '../media/control-client.js';
import type { Logger } from '../platform/log/logger.js';
import { whileAttached } from './attached.js';

export interface PublisherDeps {
  ingest: IngestClient;
  log: Logger;
}

export interface PublishRef {
  publishId: string;
  streamId: string;
}

/** Between questions to an ingest that is away. */
const ASK_AGAIN_MS = 500;

/** What a stream's workflow asks of the ingest of a media host. */
export function createPublisherActivities({ ingest, log }: PublisherDeps) {
  return {
    async disconnectPublisher({ publishId, reason }: { publishId: string; reason: string }): Promise<void> {
      await ingest.disconnect(publishId, { reason });
    },

    /** Whether that publish is there. Only the ingest knows: one that does not answer is asked until it does. */
    findPublisher(publish: PublishRef): Promise<{ present: boolean }> {
      return whileAttached((signal) => askUntilAnswered(publish, signal));
    },
  };

  async function askUntilAnswered({ publishId, streamId }: PublishRef, signal: AbortSignal): Promise<{ present: boolean }> {
    for (let isFirst = true; ; isFirst = false) {
      signal.throwIfAborted();
      try {
        return { present: (await ingest.publisher(publishId)) !== null };
      } catch (error) {
        if (isFirst) log.warn({ streamId, reason: String(error) }, 'the ingest does not say who publishes; it is asked again');
      }
      await delay(ASK_AGAIN_MS, undefined, { signal });
    }
  }
}
