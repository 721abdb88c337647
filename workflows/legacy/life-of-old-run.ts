import { newLife, type StreamLife } from '../../domain/lifecycle/life.js';
import type { CarriedState } from './carried-state.js';

/** What a run from before knew, in today's words. It went on only while everything ran smoothly, so little is lost. */
export function lifeOfOldRun(streamId: string, { broadcast, ...carried }: CarriedState): StreamLife {
  const life: StreamLife = { ...newLife(streamId), ...carried };
  if (!broadcast) return life;
  const { encoding, formerHosts = [], fromSequence = null, dropped = [], restreams: _restreams, ...kept } = broadcast;
  life.phase = 'broadcast';
  life.broadcast = {
    ...kept,
    status: 'live',
    remoteAddress: carried.publisher?.remoteAddress ?? null,
    formerHosts,
    fromSequence,
    dropped,
    endedAt: null,
    epoch: encoding.epoch,
    encoder: { order: encoding, publishId: encoding.publishId, playable: true, playableDueAt: 0, stopping: false },
    lostSight: null,
    interruptedAt: null,
    windowEndsAt: null,
    slateWasTried: false,
    restartAt: null,
    pictureDueAt: null,
    doubt: null,
    hostIsLost: false,
    ending: null,
  };
  return life;
}
