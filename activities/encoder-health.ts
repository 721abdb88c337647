import type { StreamHealth } from '../domain/contracts/stream-health.js';
import type { TooSlow } from '../domain/encoder-pace.js';
import type { StoreNews } from '../domain/store-health.js';
import type { Logger } from '../platform/log/logger.js';

interface HealthDeps {
  /** Puts something into the stream's timeline; called within the activity. */
  tellHealth: (streamId: string, health: StreamHealth) => Promise<void>;
  log: Logger;
}

interface Concerned {
  streamId: string;
  broadcastId: string;
  epoch: number;
}

const STORE_DETAILS: Record<StoreNews['problem'], string> = {
  segments_not_stored:
    'The disk of the media host is full or refuses writes: the live picture goes on from memory, the recording has a gap.',
  segments_stored_again: 'The disk of the media host takes segments again: the gap in the recording is over.',
};

/** The live picture goes on; whoever counts on the recording has to know. */
export async function tellStore(deps: HealthDeps, { streamId, broadcastId }: Concerned, { problem, since }: StoreNews): Promise<void> {
  const data = { detail: STORE_DETAILS[problem], since: new Date(since).toISOString() };
  await tell(deps, streamId, { eventId: `${broadcastId}-${problem}-${since}`, broadcastId, problem, data });
}

/** With one rendition alone nothing can be dropped, and starting anew would help nobody: whoever runs this host has to know. */
export async function tellTooSlow(deps: HealthDeps, { streamId, broadcastId, epoch }: Concerned, pace: TooSlow): Promise<void> {
  deps.log.warn({ streamId, broadcastId, epoch, ...pace }, 'the encoder is too slow, and there is no rendition to drop');
  const data = { droppedRendition: null, ...pace };
  await tell(deps, streamId, { eventId: `${broadcastId}-${epoch}-too-slow`, broadcastId, problem: 'encoder_too_slow', data });
}

/** The timeline is told beside the work: a workflow that cannot be reached now holds up nothing. */
async function tell({ log, tellHealth }: HealthDeps, streamId: string, health: StreamHealth): Promise<void> {
  try {
    await tellHealth(streamId, health);
  } catch (error) {
    const { broadcastId, problem } = health;
    log.warn(
      { streamId, broadcastId, problem, reason: error instanceof Error ? error.message : String(error) },
      'the timeline was not told',
    );
  }
}
