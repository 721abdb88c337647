import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { BroadcastStatus } from '../domain/contracts/origin-control.js';
import { HoldfastError } from '../domain/errors.js';
import { stopFfmpeg } from '../media/process/ffmpeg-process.js';
import { EncoderStops } from '../media/encoder/encoder-stops.js';
import { withFailures } from './failures.js';
import { createRestreamActivities, type RestreamDeps } from './restream.js';
import { transcode, type TranscodeDeps, type TranscodeInput, type TranscodeResult } from './transcode.js';

/** What a finished (or present) broadcast measures. */
export interface MediaSummary {
  durationSeconds: number;
  bytes: number;
}

/** One held request to the origin; short enough that a heartbeat follows in time. */
const PLAYABLE_HOLD_MS = 2000;
/** Between questions while the origin does not know the broadcast yet. */
const NOT_OPEN_YET_MS = 50;

const summaryOf = ({ durationSeconds, bytes }: BroadcastStatus): MediaSummary => ({ durationSeconds, bytes });
const isUnknown = (error: unknown): boolean => error instanceof HoldfastError && error.code === 'broadcast_not_found';

/** Activities of one media host; they run on its own queue (`media-<hostId>`). */
export function createMediaActivities(deps: TranscodeDeps & RestreamDeps) {
  const { origin, ingest, registry, log } = deps;
  const stops = new EncoderStops();
  return withFailures({
    ...createRestreamActivities(deps),

    transcode: (input: TranscodeInput): Promise<TranscodeResult> => transcode({ ...deps, stops }, input),

    /** Returns when a viewer can play the broadcast: every rendition has its first segment. */
    async awaitPlayable({ broadcastId, epoch }: { broadcastId: string; epoch: number }): Promise<void> {
      for (;;) {
        const context = Context.current();
        context.heartbeat();
        context.cancellationSignal.throwIfAborted();
        const status = await playableStatus(broadcastId);
        if (status?.state === 'ended') throw new HoldfastError('broadcast_ended');
        if (status && status.epoch >= epoch && status.playable) return;
        if (!status) await delay(NOT_OPEN_YET_MS);
      }
    },

    /** Ends the broadcast's encoder wherever it stands; nothing to do when it is gone, or a later one has its place. */
    async stopTranscode({ broadcastId, epoch }: { broadcastId: string; epoch: number }): Promise<void> {
      stops.ask(broadcastId, epoch);
      const record = await registry.read(broadcastId);
      if (!record || record.epoch > epoch) return;
      await stopFfmpeg(record.process);
      await registry.remove(broadcastId);
      log.info({ broadcastId, epoch: record.epoch, pid: record.process.pid }, 'encoder stopped');
    },

    /** ENDLIST on every playlist; waiting viewers are released. A broadcast that never opened has nothing to finish. */
    async finishPlaylists({ broadcastId }: { broadcastId: string }): Promise<MediaSummary> {
      try {
        return summaryOf(await origin.end(broadcastId));
      } catch (error) {
        if (isUnknown(error)) return { durationSeconds: 0, bytes: 0 };
        throw error;
      }
    },

    async disconnectPublisher({ publishId, reason }: { publishId: string; reason: string }): Promise<void> {
      await ingest.disconnect(publishId, { reason });
    },

    /** Deletes a broadcast's files on this host. */
    async deleteMedia({ broadcastId }: { broadcastId: string }): Promise<void> {
      await origin.remove(broadcastId);
    },
  });

  async function playableStatus(broadcastId: string): Promise<BroadcastStatus | null> {
    try {
      return await origin.awaitPlayable(broadcastId, PLAYABLE_HOLD_MS);
    } catch (error) {
      if (isUnknown(error)) return null;
      throw error;
    }
  }
}

export type MediaActivities = ReturnType<typeof createMediaActivities>;
