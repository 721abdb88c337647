import { setTimeout as delay } from 'node:timers/promises';
import type { BroadcastStatus } from '../../domain/contracts/origin-control.js';
import type { OriginClient } from '../control-client.js';
import type { EncoderRun } from './encoder-run.js';

/** One held request to the origin. */
const HOLD_MS = 2000;
/** Between questions to an origin that does not answer, or does not know this encoder yet. */
const RETRY_MS = 100;

/** Until viewers can play this encoder, or the broadcast has `ended`; null when nobody looks after it any more. */
export async function awaitPicture(origin: OriginClient, run: EncoderRun): Promise<'playable' | 'ended' | null> {
  while (!run.unwatched.aborted) {
    const status = await statusOf(origin, run);
    if (run.unwatched.aborted) break;
    if (status?.state === 'ended') return 'ended';
    if (status?.epoch === run.epoch && status.playable) return 'playable';
    if (status?.epoch !== run.epoch) await delay(RETRY_MS, undefined, { signal: run.unwatched }).catch(() => undefined);
  }
  return null;
}

/** null: the origin does not answer, or does not know the broadcast yet. */
async function statusOf(origin: OriginClient, { broadcastId }: EncoderRun): Promise<BroadcastStatus | null> {
  try {
    return await origin.awaitPlayable(broadcastId, HOLD_MS);
  } catch {
    // Whoever watches the encoder says so in the log.
    return null;
  }
}
