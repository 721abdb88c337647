import type { BroadcastProjection, RecordingProjection } from '../../domain/contracts/catalog.js';
import type { RestreamState } from '../../domain/destination.js';
import type { EventType } from '../../domain/event.js';
import type { StreamStatus } from '../../domain/stream.js';

/** A change of a stream, as its timeline and Postgres are told. */
export interface Transition {
  status: StreamStatus;
  broadcast?: BroadcastProjection;
  recording?: RecordingProjection;
  restreams?: RestreamState[];
  event?: { type: EventType; cause?: string; data?: Record<string, unknown> };
}
