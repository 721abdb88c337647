import { setTimeout as delay } from 'node:timers/promises';
import type { TranscodeInput } from '../../domain/contracts/transcode.js';
import { pickLadder, type EncodePlan } from '../../domain/ladder.js';
import { judgePassthrough, type PassthroughObstacle, type SourceGop } from '../../domain/passthrough.js';
import type { Logger } from '../../platform/log/logger.js';
import type { IngestClient } from '../control-client.js';

interface PassthroughDeps {
  ingest: IngestClient;
  log: Logger;
}

/** Between looks at the source's first GOP: viewers wait for its end. */
const LOOK_MS = 50;
/** A source that has not shown a GOP by then sends slower than it plays; the ladder's own GOP is 2 s. */
const PATIENCE_MS = 5000;

/**
 * What the encoder makes. Only the first encoder of a broadcast copies the source, and begins when its first GOP is whole:
 * a later one goes on in the middle of a GOP, or with the slate, and a copy can do neither.
 *
 * @param signal nobody wants this encoder any more
 */
export async function planOf(
  { ingest, log }: PassthroughDeps,
  { settings, source, without, publishId, epoch, broadcastId }: TranscodeInput,
  signal: AbortSignal,
): Promise<EncodePlan> {
  const plan = pickLadder(source, settings.ladder, without);
  if (settings.passthrough !== 'auto' || epoch !== 1) return plan;
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const judged = judgePassthrough(source.video, plan, await gopOf(ingest, publishId));
    if (judged.verdict === 'copy') return judged.plan;
    if (judged.verdict === 'encode' || Date.now() > deadline) {
      const reason = judged.verdict === 'encode' ? judged.obstacle : 'slow_source';
      log.info({ broadcastId, epoch, reason }, 'the source cannot be copied; it is encoded');
      return plan;
    }
    await delay(LOOK_MS, undefined, { signal });
  }
}

/** Why the source of this encoder can no longer be copied; null when nothing is known of it. */
export async function obstacleTo({ ingest }: PassthroughDeps, { publishId }: TranscodeInput): Promise<PassthroughObstacle | null> {
  return (await gopOf(ingest, publishId))?.obstacle ?? null;
}

/** null while there is none, or the ingest does not answer. */
async function gopOf(ingest: IngestClient, publishId: string): Promise<SourceGop | null> {
  try {
    return (await ingest.publisher(publishId))?.gop ?? null;
  } catch {
    // Being started again, say: then its publishers are new ones, and nothing is known of this one.
    return null;
  }
}
