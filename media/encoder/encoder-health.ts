import type { StreamHealth } from '../../domain/contracts/stream-health.js';
import type { TooSlow } from '../../domain/encoder-pace.js';
import type { StoreNews } from '../../domain/store-health.js';

interface Concerned {
  broadcastId: string;
  epoch: number;
}

const STORE_DETAILS: Record<StoreNews['problem'], string> = {
  segments_not_stored:
    'The disk of the media host is full or refuses writes: the live picture goes on from memory, the recording has a gap.',
  segments_stored_again: 'The disk of the media host takes segments again: the gap in the recording is over.',
};

/** The live picture goes on; whoever counts on the recording has to know. */
export function storeHealth({ broadcastId }: Concerned, { problem, since }: StoreNews): StreamHealth {
  const data = { detail: STORE_DETAILS[problem], since: new Date(since).toISOString() };
  return { eventId: `${broadcastId}-${problem}-${since}`, broadcastId, problem, data };
}

/** With one rendition alone nothing can be dropped, and starting anew would help nobody: whoever runs this host has to know. */
export function tooSlowHealth({ broadcastId, epoch }: Concerned, pace: TooSlow): StreamHealth {
  return {
    eventId: `${broadcastId}-${epoch}-too-slow`,
    broadcastId,
    problem: 'encoder_too_slow',
    data: { droppedRendition: null, ...pace },
  };
}
