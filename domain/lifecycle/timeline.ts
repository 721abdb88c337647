import type { BroadcastProjection, RecordingProjection, RecordingStatus } from '../contracts/catalog.js';
import type { RestreamState } from '../destination.js';
import type { EventType, StreamEvent } from '../event.js';
import { pickLadder, type Rendition } from '../ladder.js';
import type { EndCause, StreamStatus } from '../stream.js';
import type { Moment } from './facts.js';
import { statusOf, type BroadcastLife, type MediaSummary, type StreamLife } from './life.js';

/** Kept of the timeline for whoever finds Postgres behind: more than happens while a database is restored. */
const RECENT_EVENTS = 50;

export interface Told {
  /** If it is another one than `life` has by now. */
  status?: StreamStatus;
  broadcast?: BroadcastProjection;
  recording?: RecordingProjection;
  restreams?: RestreamState[];
  event?: { type: EventType; cause?: string; data?: Record<string, unknown> };
}

/** Numbers what has happened and puts it into the outbox. Changes `life`. */
export function tell(life: StreamLife, moment: Moment, { event, status = statusOf(life), ...told }: Told): void {
  const events = event ? [numbered(life, moment, event)] : [];
  life.version += 1;
  life.outbox.push({
    streamId: life.streamId,
    version: life.version,
    status,
    disabled: life.disabled,
    broadcastId: life.broadcast?.broadcastId ?? null,
    ...told,
    events,
  });
  if (told.broadcast) life.told.broadcast = told.broadcast;
  if (told.recording) life.told.recording = told.recording;
  for (const state of told.restreams ?? []) {
    life.told.restreams = [...life.told.restreams.filter(({ destinationId }) => destinationId !== state.destinationId), state];
  }
}

function numbered(life: StreamLife, { now, newId }: Moment, { type, cause, data }: NonNullable<Told['event']>): StreamEvent {
  life.sequence += 1;
  const event: StreamEvent = {
    id: `evt_${newId()}`,
    sequence: life.sequence,
    type,
    streamId: life.streamId,
    broadcastId: life.broadcast?.broadcastId ?? null,
    occurredAt: new Date(now).toISOString(),
    ...(cause ? { cause } : {}),
    data: data ?? {},
  };
  life.recent = [...life.recent, event].slice(-RECENT_EVENTS);
  return event;
}

/** The broadcast's row as it is now, with what has happened to it. */
export function tellBroadcast(life: StreamLife, moment: Moment, event?: Told['event'], recording?: RecordingProjection): void {
  const broadcast = projectionOf(life.broadcast!);
  tell(life, moment, { broadcast, ...(recording ? { recording } : {}), ...(event ? { event } : {}) });
}

export const renditionsOf = ({ source, settings, dropped }: BroadcastLife): Rendition[] =>
  pickLadder(source, settings?.ladder ?? null, dropped).renditions;

export function projectionOf(
  broadcast: BroadcastLife,
  status: StreamStatus = broadcast.status,
  endCause: EndCause | null = null,
  summary: MediaSummary | null = null,
): BroadcastProjection {
  const { broadcastId, source, liveAt, endedAt, formerHosts, hostId } = broadcast;
  return {
    broadcastId,
    status: status === 'idle' ? 'ended' : status,
    source,
    renditions: renditionsOf(broadcast),
    liveAt,
    endedAt,
    endCause,
    ...(formerHosts.length > 0 ? { hostId } : {}),
    ...measured(summary),
  };
}

export const recordingIdOf = ({ broadcastId }: Pick<BroadcastLife, 'broadcastId'>): string => broadcastId.replace(/^brd_/, 'rec_');

export const recordingOf = (
  broadcast: BroadcastLife,
  status: RecordingStatus,
  summary: MediaSummary | null = null,
): RecordingProjection => ({
  recordingId: recordingIdOf(broadcast),
  broadcastId: broadcast.broadcastId,
  status,
  ...measured(summary),
});

const measured = (summary: MediaSummary | null) => ({
  durationSeconds: summary?.durationSeconds ?? null,
  bytes: summary?.bytes ?? null,
});
