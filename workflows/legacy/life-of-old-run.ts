import { newBroadcast, newLife, type StreamLife } from '../../domain/lifecycle/life.js';
import type { CarriedState } from './carried-state.js';

/** What a run from before knew, in today's words. It went on only while everything ran smoothly, so little is lost. */
export function lifeOfOldRun(streamId: string, { broadcast, ...carried }: CarriedState): StreamLife {
  const life: StreamLife = { ...newLife(streamId), ...carried };
  if (!broadcast) return life;
  const { encoding, formerHosts = [], fromSequence = null, dropped = [], restreams: _restreams, ...kept } = broadcast;
  const remoteAddress = carried.publisher?.remoteAddress ?? null;
  life.phase = 'broadcast';
  life.broadcast = {
    ...newBroadcast({ ...kept, remoteAddress }),
    ...kept,
    status: 'live',
    formerHosts,
    fromSequence,
    dropped,
    epoch: encoding.epoch,
    encoder: { order: encoding, publishId: encoding.publishId, playable: true, playableDueAt: 0, stopping: false },
  };
  return life;
}
