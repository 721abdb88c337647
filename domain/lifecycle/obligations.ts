import type { NewBroadcast, StreamProjection } from '../contracts/catalog.js';
import type { SourceLayout } from '../source.js';
import type { EncoderOrder } from './encoder-order.js';
import { handOverKey } from './hand-over-key.js';
import type { BroadcastLife, Dismissal, HandOver, StreamLife } from './life.js';
import { windowOverAt } from './next.js';
import { UNDER_WAY } from './publisher-rules.js';

/**
 * What is to be done for a stream as it is. Each stays until a fact says how it turned out, so whoever takes over (the next run
 * of the workflow) does what is left: every one of them may be done twice. `key` tells one from another.
 */
export type Obligation = { key: string } & (
  | { kind: 'open'; row: NewBroadcast }
  | { kind: 'readSettings' }
  | { kind: 'encode'; order: EncoderOrder }
  | { kind: 'stopEncoder'; hostId: string; broadcastId: string; epoch: number }
  | { kind: 'findPublisher'; hostId: string; publishId: string }
  /** Restreams of this broadcast run, from this host, of this source. */
  | { kind: 'restream'; broadcastId: string; hostId: string; source: SourceLayout }
  | { kind: 'endRestreams'; broadcastId: string }
  | { kind: 'finishPlaylists'; hostId: string; broadcastId: string }
  | { kind: 'dismiss'; dismissal: Dismissal }
  | { kind: 'handOver'; handOver: HandOver }
  | { kind: 'purge' }
  | { kind: 'record'; projections: StreamProjection[] }
  | { kind: 'wake'; at: number }
);

/** In the order in which they are begun. */
export function obligationsOf(life: Readonly<StreamLife>): Obligation[] {
  const { broadcast } = life;
  return [
    ...(broadcast ? ofBroadcast(life, broadcast) : []),
    ...(life.phase === 'idle' && life.endCause ? [{ kind: 'readSettings', key: 'read-settings' } as const] : []),
    ...life.handOvers.map((handOver) => ({ kind: 'handOver', key: handOverKey(handOver), handOver }) as const),
    ...life.dismissals.map((dismissal) => ({ kind: 'dismiss', key: `dismiss/${dismissal.publishId}`, dismissal }) as const),
    ...recording(life),
    // What others take care of is certain first, and the timeline complete.
    ...(life.phase === 'purging' && isAllDone(life) ? [{ kind: 'purge', key: 'purge' } as const] : []),
    ...waking(broadcast),
  ];
}

/** Nothing is left to be told or to be handed over. */
export const isAllDone = ({ outbox, handOvers, dismissals }: Readonly<StreamLife>): boolean =>
  outbox.length === 0 && handOvers.length === 0 && dismissals.length === 0;

function ofBroadcast({ told }: Readonly<StreamLife>, broadcast: BroadcastLife): Obligation[] {
  const { broadcastId, hostId, settings, encoder, ending, doubt, liveAt, source } = broadcast;
  if (!settings) return [{ kind: 'open', key: `open/${broadcastId}`, row: told.opened! }];
  const wanted: Obligation[] = [];
  if (encoder) {
    const { order, stopping } = encoder;
    const { epoch } = order;
    if (stopping) wanted.push({ kind: 'stopEncoder', key: `stop/${broadcastId}/${epoch}`, hostId: order.hostId, broadcastId, epoch });
    else wanted.push({ kind: 'encode', key: `encode/${broadcastId}/${epoch}`, order });
  }
  if (doubt && !ending) {
    const { publishId } = doubt.publisher;
    wanted.push({ kind: 'findPublisher', key: `find/${publishId}/${doubt.since}`, hostId: doubt.publisher.hostId, publishId });
  }
  if (liveAt !== null && !ending) wanted.push({ kind: 'restream', key: `restream/${broadcastId}`, broadcastId, hostId, source });
  if (ending?.step === 'restreams') wanted.push({ kind: 'endRestreams', key: `end-restreams/${broadcastId}`, broadcastId });
  if (ending?.step === 'playlists') wanted.push({ kind: 'finishPlaylists', key: `finish/${broadcastId}`, hostId, broadcastId });
  return wanted;
}

/** One write at a time, oldest first, of a size that one activity can do in its time. */
function recording({ outbox }: Readonly<StreamLife>): Obligation[] {
  const projections = outbox.slice(0, UNDER_WAY);
  return projections.length === 0 ? [] : [{ kind: 'record', key: `record/${projections[0]!.version}`, projections }];
}

function waking(broadcast: BroadcastLife | null): Obligation[] {
  if (!broadcast?.settings || broadcast.ending) return [];
  const { endsAt, restartAt, pictureDueAt, encoder } = broadcast;
  const playableDueAt = encoder && !encoder.playable && !encoder.stopping ? encoder.playableDueAt : null;
  const beginsAt = encoder ? null : restartAt;
  const times = [endsAt, windowOverAt(broadcast), beginsAt, pictureDueAt, playableDueAt].filter((time) => time !== null);
  if (times.length === 0) return [];
  const at = Math.min(...times);
  return [{ kind: 'wake', key: `wake/${at}`, at }];
}
