import type { RestreamState } from '../destination.js';
import type { StreamEvent } from '../event.js';
import type { Rendition } from '../ladder.js';
import type { SourceLayout } from '../source.js';
import type { DestinationSummary } from './destinations.js';
import type { EndCause, StreamSettings, StreamStatus } from '../stream.js';

/** What the workflows write to and read from Postgres, through activities. Every method is idempotent. */
export interface Catalog {
  /** Inserts the broadcast (again: no change) and returns the settings it runs with. Throws `stream_not_found`. */
  openBroadcast(broadcast: NewBroadcast): Promise<StreamSettings>;
  /** Settings of a stream outside a broadcast. Throws `stream_not_found`. */
  settings(streamId: string): Promise<StreamSettings>;
  /** Writes state and events in one transaction; a lower version than the stored one changes no state, a known event is skipped. */
  record(projection: StreamProjection): Promise<void>;
  /** Destinations of a stream, oldest first. */
  destinationsOf(streamId: string): Promise<DestinationSummary[]>;
  /** Broadcasts of a stream and the hosts that hold their files: a broadcast that has changed its host, once per host. */
  broadcastsOf(streamId: string): Promise<{ broadcastId: string; hostId: string }[]>;
  /** A host that was away when the broadcast ended has finished its part; the recording is ready with it. */
  recordPart(part: BroadcastPart): Promise<void>;
  /** The segments of this broadcast are gone; its VOD playback with them. */
  markMediaDeleted(broadcastId: string): Promise<void>;
  /** Removes the stream and everything that belongs to it. */
  purgeStream(streamId: string): Promise<void>;
}

export interface NewBroadcast {
  broadcastId: string;
  streamId: string;
  hostId: string;
  /** ISO 8601 */
  startedAt: string;
}

export interface BroadcastPart {
  broadcastId: string;
  hostId: string;
  durationSeconds: number;
  bytes: number;
}

export interface StreamProjection {
  streamId: string;
  /** Grows with every write of the workflow. */
  version: number;
  status: StreamStatus;
  disabled: boolean;
  broadcastId: string | null;
  /** What the row of that broadcast began with, where it may have been lost since: it is inserted again. */
  opened?: NewBroadcast;
  broadcast?: BroadcastProjection;
  recording?: RecordingProjection;
  /** Restreams that changed; the stored ones of other destinations stay. */
  restreams?: RestreamState[];
  events: StreamEvent[];
}

export interface BroadcastProjection {
  broadcastId: string;
  status: Exclude<StreamStatus, 'idle'>;
  source: SourceLayout | null;
  renditions: Rendition[];
  /** ISO 8601 or null while it has not happened. */
  liveAt: string | null;
  endedAt: string | null;
  endCause: EndCause | null;
  /** Of the present host alone. */
  durationSeconds: number | null;
  bytes: number | null;
  /** Only of a broadcast that has changed its host: the one that has it now. */
  hostId?: string;
}

export type RecordingStatus = 'recording' | 'processing' | 'ready' | 'failed';

export interface RecordingProjection {
  recordingId: string;
  broadcastId: string;
  status: RecordingStatus;
  durationSeconds: number | null;
  bytes: number | null;
}
