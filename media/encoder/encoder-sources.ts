import type { PublisherStatus } from '../../domain/contracts/ingest-control.js';
import type { BroadcastStatus } from '../../domain/contracts/origin-control.js';
import type { TranscodeInput } from '../../domain/contracts/transcode.js';
import type { EncoderReading } from '../../domain/liveness.js';
import type { Logger } from '../../platform/log/logger.js';
import type { IngestClient, OriginClient } from '../control-client.js';

export interface EncoderSources {
  origin: OriginClient;
  ingest: IngestClient;
  log: Logger;
}

/** null: the origin does not answer. */
export async function originStatus({ origin, log }: EncoderSources, { broadcastId }: TranscodeInput): Promise<BroadcastStatus | null> {
  try {
    return await origin.status(broadcastId);
  } catch (error) {
    log.warn({ broadcastId, reason: String(error) }, 'origin does not answer');
    return null;
  }
}

/** Seconds of media of the slowest rendition; null when the origin does not answer, 0 when it knows another epoch. */
export function receivedOf(status: BroadcastStatus | null, { epoch }: TranscodeInput): number | null {
  if (!status) return null;
  return status.epoch === epoch ? Math.min(...status.renditions.map((rendition) => rendition.mediaSeconds)) : 0;
}

/** null: there is none. undefined: the ingest is away (restarting, say), so nothing is known, and that is an answer of its own. */
export async function publisherOf(
  { ingest }: EncoderSources,
  { publishId, streamId, programme }: TranscodeInput,
): Promise<PublisherStatus | null | undefined> {
  try {
    return await (programme ? ingest.publisherOf(streamId) : ingest.publisher(publishId));
  } catch {
    return undefined;
  }
}

/** A publisher with bytes within this time is sending. */
const SILENT_AFTER_MS = 2000;

/** A programme is silent only with its publisher: where none is, the ingest sends the slate. */
export function publisherState({ programme }: TranscodeInput, publisher: PublisherStatus | null | undefined): EncoderReading['publisher'] {
  if (publisher === undefined) return null;
  if (!publisher) return programme ? 'sending' : 'gone';
  return publisher.idleMs < SILENT_AFTER_MS ? 'sending' : 'silent';
}
