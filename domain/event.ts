export const EVENT_TYPES = [
  'stream.created',
  'stream.connected',
  'stream.live',
  'stream.reconnecting',
  'stream.reconnected',
  'stream.ending',
  'stream.ended',
  'stream.failed',
  'stream.health',
  'restream.starting',
  'restream.live',
  'restream.retrying',
  'restream.failed',
  'restream.ended',
  'recording.started',
  'recording.ready',
  'recording.failed',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** One numbered entry of a stream's timeline. The id is made once, by the workflow, and stays on every retry. */
export interface StreamEvent {
  id: string;
  /** 1, 2, 3 … per stream, without holes. */
  sequence: number;
  type: EventType;
  streamId: string;
  broadcastId: string | null;
  /** ISO 8601, UTC, milliseconds. */
  occurredAt: string;
  cause?: string;
  data: Record<string, unknown>;
}
