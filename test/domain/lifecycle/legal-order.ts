import type { StreamEvent } from '../../../domain/event.js';

/** Where a stream stands in its timeline; `null`: in no broadcast. */
type Place = 'idle' | 'connected' | 'live' | 'reconnecting' | 'ending' | 'ended';

/** Of one type: where it may come, and where it leads to. Anything else may come anywhere in a broadcast and leads nowhere. */
const STEPS: Record<string, { from: readonly Place[]; to: Place | null }> = {
  'stream.created': { from: ['idle'], to: null },
  'stream.connected': { from: ['idle', 'ended'], to: 'connected' },
  'stream.live': { from: ['connected', 'reconnecting'], to: 'live' },
  'stream.reconnecting': { from: ['connected', 'live'], to: 'reconnecting' },
  'stream.reconnected': { from: ['reconnecting'], to: 'live' },
  'stream.failed': { from: ['connected', 'live', 'reconnecting'], to: null },
  'stream.ending': { from: ['connected', 'live', 'reconnecting'], to: 'ending' },
  'stream.ended': { from: ['ending', 'idle', 'ended'], to: 'ended' },
  'recording.started': { from: ['live'], to: null },
  'recording.ready': { from: ['ended'], to: null },
  'recording.failed': { from: ['ended'], to: null },
};

/** What is wrong with the order of a stream's events; null when it is by the book. */
export function orderProblem(events: readonly StreamEvent[]): string | null {
  let place: Place = 'idle';
  const lives = new Set<string | null>();
  for (const [index, event] of events.entries()) {
    if (event.sequence !== index + 1) return `number ${event.sequence} stands in place ${index + 1}`;
    const step = STEPS[event.type];
    if (!step) continue;
    if (!step.from.includes(place)) return `${event.type} while ${place}`;
    if (event.type === 'stream.live' && lives.has(event.broadcastId)) return 'live for the first time twice';
    if (event.type === 'stream.live') lives.add(event.broadcastId);
    place = step.to ?? place;
  }
  return null;
}
