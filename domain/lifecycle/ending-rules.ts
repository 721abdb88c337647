import type { EndCause } from '../stream.js';
import type { Moment } from './facts.js';
import type { BroadcastLife, HandOver, StreamLife } from './life.js';
import { sendAway } from './publisher-rules.js';
import { projectionOf, recordingIdOf, recordingOf, tell, tellBroadcast } from './timeline.js';

const MS_PER_HOUR = 3_600_000;

/** The defined order: restreams, encoder, playlists, publisher, `stream.ended`, recording. Every step goes on if one before it failed. */
export function beginEnding(life: StreamLife, moment: Moment, cause: EndCause): void {
  const broadcast = life.broadcast!;
  Object.assign(broadcast, { status: 'ending', windowEndsAt: null, restartAt: null, pictureDueAt: null });
  broadcast.ending = { cause, step: 'restreams', summary: null };
  tellBroadcast(life, moment, { type: 'stream.ending', cause });
}

/** From one step to the next, as far as there is nothing to wait for. */
export function advanceEnding(life: StreamLife, moment: Moment): void {
  const broadcast = life.broadcast!;
  const ending = broadcast.ending!;
  if (ending.step === 'encoder') {
    // Of a host that is gone nothing can be had now; it is finished when it is back.
    if (broadcast.hostIsLost) broadcast.encoder = null;
    if (broadcast.encoder) broadcast.encoder.stopping = true;
    else ending.step = 'playlists';
  }
  if (ending.step === 'playlists' && broadcast.hostIsLost) ending.step = 'publisher';
  if (ending.step === 'publisher') {
    sendAway(life, `the stream ended: ${ending.cause}`);
    if (life.dismissals.length === 0) over(life, moment);
  }
}

/** The end itself, and who takes care of what is left. */
function over(life: StreamLife, moment: Moment): void {
  const broadcast = life.broadcast!;
  const { broadcastId, settings, liveAt, ending, hostId, hostIsLost, formerHosts, retentionHours } = broadcast;
  const { cause, summary } = ending!;
  broadcast.endedAt = new Date(moment.now).toISOString();
  const status = settings!.reusable ? 'idle' : 'ended';
  const isRecorded = settings!.record && liveAt !== null;
  const row = projectionOf(broadcast, 'ended', cause, summary);
  const recording = isRecorded ? { recording: recordingOf(broadcast, 'processing', summary) } : {};
  tell(life, moment, { status, broadcast: row, ...recording, event: { type: 'stream.ended', cause, data: { ...summary } } });
  // All there is of it is on a host that is away: it is told by that one's own workflow.
  if (isRecorded && !hostIsLost) {
    // The stored segments are the recording: with the playlists finished it can be played.
    const outcome = summary && summary.durationSeconds > 0 ? 'ready' : 'failed';
    const event = { type: `recording.${outcome}`, data: { recordingId: recordingIdOf(broadcast), ...summary } } as const;
    tell(life, moment, { status, recording: recordingOf(broadcast, outcome, summary), event });
  }
  const deleteAfterMs = isRecorded ? null : Math.round(retentionHours * MS_PER_HOUR);
  const lost = hostIsLost ? [hostId] : [];
  // The files of the present host are deleted by a step of their own.
  const leaves = [...formerHosts, ...lost].map((host) => leave(broadcast, host, { deleteAfterMs: host === hostId ? null : deleteAfterMs }));
  const deletion: HandOver[] = deleteAfterMs === null ? [] : [{ kind: 'delete', broadcastId, hostId, afterMs: deleteAfterMs }];
  life.handOvers = [...life.handOvers, ...leaves, ...deletion];
  life.lastBroadcastId = broadcastId;
  life.broadcast = null;
  life.phase = status;
  life.endCause = null;
  life.runIsDue = true;
}

/** What a broadcast leaves at a host that it goes away from, or that is gone. */
export function leave(broadcast: BroadcastLife, hostId: string, finish: { deleteAfterMs: number | null } | null): HandOver {
  const { broadcastId, epoch, encoder, last } = broadcast;
  const publishId = finish ? null : (encoder?.publishId ?? last?.publishId ?? null);
  return { kind: 'leave', broadcastId, hostId, epoch, publishId, finish };
}
