import type { BroadcastStatus } from '../../domain/contracts/origin-control.js';
import type { History } from '../store/history.js';
import type { EncodeRun } from './encode-run.js';

/** What the control API says of a broadcast; progress is of its newest run. @param unstoredSince see BroadcastStatus */
export function describeStatus(history: History, encode: EncodeRun | null, unstoredSince: number | null = null): BroadcastStatus {
  const run = history.runs.at(-1);
  return {
    broadcastId: history.open.broadcastId,
    state: history.endedAt === null ? 'open' : 'ended',
    epoch: run?.epoch ?? 0,
    playable: run !== undefined && history.isPlayable(run),
    renditions: (run?.renditions ?? []).map(({ id }) => {
      const input = encode?.inputs.get(id);
      return {
        id,
        connected: input?.connected ?? false,
        mediaSeconds: input?.mediaSeconds ?? 0,
        bytes: input?.bytes ?? 0,
        segments: history.count(run!.run, id),
      };
    }),
    durationSeconds: history.durationSeconds,
    bytes: history.bytes,
    unstoredSince,
  };
}
