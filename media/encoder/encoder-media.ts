import type { MediaStart, RelayReader } from '../../domain/contracts/ingest-control.js';
import type { TranscodeInput } from '../../domain/contracts/transcode.js';
import type { Logger } from '../../platform/log/logger.js';
import type { IngestClient } from '../control-client.js';
import { ensureSlate } from '../slate/slate.js';

export interface EncoderMediaDeps {
  ingest: IngestClient;
  ffmpegPath: string;
  /** Where slates are kept; the ingest reads them from there. */
  slatesDir: string;
  log: Logger;
}

export interface EncoderMedia {
  inputUrl: string;
  /** See LadderCommand. */
  resumeAt: number | null;
  /** See StartEncode; null: not known. */
  receivedAt: number | null;
}

const MS_PER_SECOND = 1000;
const readerName = (broadcastId: string, epoch: number): string => `${broadcastId}-${epoch}`;

/** What the encoder reads, and from where on; null when a programme is wanted and no slate can take this source's place. */
export async function mediaOf(deps: EncoderMediaDeps, input: TranscodeInput, copies: boolean): Promise<EncoderMedia | null> {
  const { ingest } = deps;
  if (input.programme) {
    const slate = await ensureSlate({ dir: deps.slatesDir, ffmpegPath: deps.ffmpegPath, source: input.source });
    if (slate === null) return null;
    const receivedAt = await receiptOf(deps, input, ingest.programmeStart(input.streamId, slate));
    return { inputUrl: ingest.programmeUrl(input.streamId, slate), resumeAt: null, receivedAt };
  }
  const reader = await relayReader(deps, input, copies);
  const resumeAt = reader.start === 'resume' ? reader.fromMs / MS_PER_SECOND : null;
  const receivedAt = await receiptOf(deps, input, ingest.relayStart(input.publishId, reader));
  return { inputUrl: ingest.relayUrl(input.publishId, reader), resumeAt, receivedAt };
}

/** A publisher's first encoder begins with its first keyframe, a later one where the one before it has ended. */
async function relayReader(
  { ingest }: EncoderMediaDeps,
  { broadcastId, publishId, epoch, after }: TranscodeInput,
  copies: boolean,
): Promise<RelayReader> {
  const name = readerName(broadcastId, epoch);
  if (!after?.mediaSeconds) return { start: 'cache', fromMs: 0, name, copies };
  const beganMs = (await ingest.publisher(publishId))?.readers[readerName(broadcastId, after.epoch)];
  if (beganMs === undefined) return { start: 'keyframe', fromMs: 0, name, copies };
  return { start: 'resume', fromMs: Math.round(beganMs + after.mediaSeconds * MS_PER_SECOND), name, copies };
}

/** Asked right before the encoder is: what it is given first is the same then. An ingest that is away only costs the exact date. */
async function receiptOf(
  { log }: EncoderMediaDeps,
  { broadcastId, epoch }: TranscodeInput,
  start: Promise<MediaStart>,
): Promise<number | null> {
  try {
    return (await start).receivedAt;
  } catch (error) {
    log.warn(
      { broadcastId, epoch, reason: String(error) },
      "the ingest does not say when the media came in; it is dated by the arrival of the encoder's output",
    );
    return null;
  }
}

/** So that it is there at once when the publisher is not. */
export async function prepareSlate(
  { slatesDir, ffmpegPath, log }: EncoderMediaDeps,
  { broadcastId, source, settings }: TranscodeInput,
): Promise<void> {
  if (settings.reconnectWindowSeconds === 0) return;
  try {
    await ensureSlate({ dir: slatesDir, ffmpegPath, source });
  } catch (error) {
    log.warn({ broadcastId, reason: String(error) }, 'the slate could not be made; it is tried again when it is needed');
  }
}
