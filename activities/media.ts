import type { BroadcastStatus } from '../domain/contracts/origin-control.js';
import { HoldfastError } from '../domain/errors.js';
import type { OriginClient } from '../media/control-client.js';
import type { EncoderHost } from '../media/encoder/encoder-host.js';
import type { RestreamHost } from '../media/restream/restream-host.js';
import { withFailures } from './failures.js';
import { createPublisherActivities, type PublisherDeps } from './publisher.js';
import { createRestreamActivities } from './restream.js';
import { createTranscodeActivities } from './transcode.js';

/** What a finished (or present) broadcast measures. */
export interface MediaSummary {
  durationSeconds: number;
  bytes: number;
}

export interface MediaActivityDeps extends PublisherDeps {
  origin: OriginClient;
  encoders: EncoderHost;
  restreams: RestreamHost;
}

const summaryOf = ({ durationSeconds, bytes }: BroadcastStatus): MediaSummary => ({ durationSeconds, bytes });
const isUnknown = (error: unknown): boolean => error instanceof HoldfastError && error.code === 'broadcast_not_found';

/** Activities of one media host; they run on its own queue (`media-<hostId>`). */
export function createMediaActivities({ origin, encoders, restreams, ...deps }: MediaActivityDeps) {
  return withFailures({
    ...createTranscodeActivities(encoders),
    ...createRestreamActivities(restreams),
    ...createPublisherActivities(deps),

    /** ENDLIST on every playlist; waiting viewers are released. A broadcast that never opened has nothing to finish. */
    async finishPlaylists({ broadcastId }: { broadcastId: string }): Promise<MediaSummary> {
      try {
        return summaryOf(await origin.end(broadcastId));
      } catch (error) {
        if (isUnknown(error)) return { durationSeconds: 0, bytes: 0 };
        throw error;
      }
    },

    /** Deletes a broadcast's files on this host. */
    async deleteMedia({ broadcastId }: { broadcastId: string }): Promise<void> {
      await origin.remove(broadcastId);
    },
  });
}

export type MediaActivities = ReturnType<typeof createMediaActivities>;
