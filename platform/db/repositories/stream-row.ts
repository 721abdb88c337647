import type { Revocation } from '../../../domain/contracts/publish-claims.js';
import type { CustomRung } from '../../../domain/ladder.js';
import type { Latency, PassthroughMode, PlaybackPolicy, StreamSettings, StreamStatus } from '../../../domain/stream.js';

/** A stream as its owner sees it; `status`, `disabled` and `broadcastId` are the workflow's projection. */
export interface StreamRecord extends StreamSettings {
  id: string;
  name: string | null;
  status: StreamStatus;
  disabled: boolean;
  broadcastId: string | null;
  metadata: Record<string, string>;
  createdAt: Date;
  updatedAt: Date;
}

/** One row of `streams`, as pg returns it. */
export interface StreamRow {
  id: string;
  name: string | null;
  status: StreamStatus;
  disabled: boolean;
  reusable: boolean;
  latency: Latency;
  ladder: CustomRung[] | null;
  record: boolean;
  reconnect_window_seconds: number;
  max_duration_seconds: number;
  playback_policy: PlaybackPolicy;
  passthrough: PassthroughMode;
  metadata: Record<string, string>;
  playback_id: string;
  stream_key_hash: string;
  stream_key_encrypted: string;
  broadcast_id: string | null;
  version: number;
  /** bigint: pg gives text. */
  publish_seq: string;
  /** Publishes up to this number are revoked; bigint: pg gives text. */
  revoked_publish_seq: string;
  revoked_because: Revocation | null;
  created_at: Date;
  updated_at: Date;
  deleted_at: Date | null;
}

/** What a broadcast of the stream is run with. */
export const toSettings = (row: StreamRow): StreamSettings => ({
  playbackId: row.playback_id,
  reusable: row.reusable,
  latency: row.latency,
  ladder: row.ladder,
  record: row.record,
  reconnectWindowSeconds: row.reconnect_window_seconds,
  maxDurationSeconds: row.max_duration_seconds,
  playbackPolicy: row.playback_policy,
  passthrough: row.passthrough,
});

/** The stream without its key. */
export const toStream = (row: StreamRow): StreamRecord => ({
  ...toSettings(row),
  id: row.id,
  name: row.name,
  status: row.status,
  disabled: row.disabled,
  broadcastId: row.broadcast_id,
  metadata: row.metadata,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});
