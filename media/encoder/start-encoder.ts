import { setTimeout as delay } from 'node:timers/promises';
import type { TranscodeInput } from '../../domain/contracts/transcode.js';
import { HoldfastError } from '../../domain/errors.js';
import type { OriginClient } from '../control-client.js';
import { ladderArguments } from '../ffmpeg/ladder-command.js';
import type { VideoEncoderChoice } from '../ffmpeg/video-encoder.js';
import { orAborted } from '../host/or-aborted.js';
import { spawnFfmpeg } from '../process/ffmpeg-process.js';
import { findByArgument } from '../process/process-identity.js';
import { mediaOf, type EncoderMediaDeps } from './encoder-media.js';
import { planOf } from './encoder-plan.js';
import type { EncoderRecord, EncoderRegistry } from './encoder-registry.js';

export interface StartEncoderDeps extends EncoderMediaDeps {
  origin: OriginClient;
  registry: EncoderRegistry;
  encoder: VideoEncoderChoice;
  /** See maxPixelsOf. */
  maxPixels: number;
  /** Path of one encoder's log. */
  logPath: (broadcastId: string, epoch: number) => string;
}

/** Between questions to an origin that is being started again: viewers wait for it. */
const ORIGIN_RETRY_MS = 100;
/** After this the start fails, so that an operator sees why nothing starts. */
const ORIGIN_PATIENCE_MS = 20_000;

/**
 * Starts the encoder of one epoch in a process that outlives this one, and writes it down.
 *
 * @param signal nobody wants it any more: rejects before there is a process, or resolves with it
 * @returns null when a programme is wanted and no slate can take this source's place
 * @throws HoldfastError of the origin's, `stale_epoch` and `broadcast_ended` for good
 */
export async function startEncoder(deps: StartEncoderDeps, input: TranscodeInput, signal: AbortSignal): Promise<EncoderRecord | null> {
  const { broadcastId, publishId, epoch, settings } = input;
  const { playbackId, latency, playbackPolicy, record: keep } = settings;
  const startedAt = performance.now();
  const plan = await planOf(deps, input, signal);
  const copies = plan.renditions.some((rendition) => rendition.kind === 'video' && rendition.copied);
  const media = await orAborted(mediaOf(deps, input, copies), signal);
  if (!media) return null;
  const { inputUrl, resumeAt, receivedAt } = media;
  const { sockets } = await whenOriginAnswers(signal, async () => {
    await deps.origin.open(broadcastId, { playbackId, streamId: input.streamId, latency, playbackPolicy, keep });
    const numbers = input.fromSequence === undefined ? {} : { fromSequence: input.fromSequence };
    return deps.origin.startEncode(broadcastId, { epoch, ...plan, ...(receivedAt === null ? {} : { receivedAt }), ...numbers });
  });
  signal.throwIfAborted();
  const { encoder, maxPixels, ffmpegPath } = deps;
  const args = ladderArguments({ inputUrl, resumeAt, source: input.source, plan, sockets, encoder, maxPixels });
  // A worker killed between spawn and the note of it leaves an encoder that nobody knows; its sockets name it.
  const orphan = findByArgument(`unix:${Object.values(sockets)[0]}`);
  const logPath = deps.logPath(broadcastId, epoch);
  const process = orphan ?? (await spawnFfmpeg({ ffmpegPath, args, logPath }));
  const record: EncoderRecord = { broadcastId, publishId, epoch, process, logPath, input, ...(copies ? { copies } : {}) };
  await deps.registry.write(record);
  const renditions = plan.renditions.map((rendition) => rendition.id);
  const afterMs = Math.round(performance.now() - startedAt);
  deps.log.info({ streamId: input.streamId, broadcastId, epoch, pid: process.pid, renditions, copies, afterMs }, 'encoder started');
  return record;
}

/** Asks until the origin answers; what it refuses for good ends at once. */
async function whenOriginAnswers<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + ORIGIN_PATIENCE_MS;
  for (;;) {
    try {
      return await orAborted(ask(), signal);
    } catch (error) {
      const isFinal = error instanceof HoldfastError && !error.kind.retryable;
      if (isFinal || signal.aborted || performance.now() > deadline) throw error;
    }
    await delay(ORIGIN_RETRY_MS, undefined, { signal });
  }
}
