import type { CustomRung } from './ladder.js';

/** See docs: idle → connecting → live ⇄ reconnecting → ending → idle | ended. `disabled` is a flag beside it. */
export const STREAM_STATUSES = ['idle', 'connecting', 'live', 'reconnecting', 'ending', 'ended'] as const;
export type StreamStatus = (typeof STREAM_STATUSES)[number];

export const LATENCIES = ['low', 'standard'] as const;
export type Latency = (typeof LATENCIES)[number];

export const PLAYBACK_POLICIES = ['public', 'signed'] as const;
export type PlaybackPolicy = (typeof PLAYBACK_POLICIES)[number];

/** `auto`: the largest rendition is the source's own picture where that fits (domain/passthrough.ts); `never`: all are encoded. */
export const PASSTHROUGH_MODES = ['auto', 'never'] as const;
export type PassthroughMode = (typeof PASSTHROUGH_MODES)[number];

/** Why a broadcast or stream ended; `cause` of `stream.ending` and `stream.ended`. */
export const END_CAUSES = [
  'api',
  'operator',
  'disabled',
  'deleted',
  'reconnect_window_over',
  'max_duration',
  'encoder_failed',
  'no_playable_media',
] as const;
export type EndCause = (typeof END_CAUSES)[number];

/** What a broadcast is run with; read once when the broadcast opens, so a PATCH counts from the next one. */
export interface StreamSettings {
  playbackId: string;
  reusable: boolean;
  latency: Latency;
  /** null = the default ladder. */
  ladder: CustomRung[] | null;
  record: boolean;
  reconnectWindowSeconds: number;
  maxDurationSeconds: number;
  playbackPolicy: PlaybackPolicy;
  /** Absent in broadcasts that began before there was such a setting: `never`. */
  passthrough?: PassthroughMode;
}

export const DEFAULT_RECONNECT_WINDOW_SECONDS = 60;
/** Mux allows 1800; longer windows keep a dead stream looking alive. */
export const MAX_RECONNECT_WINDOW_SECONDS = 1800;
/** 12 h, the field's usual limit: a forgotten encoder must not fill a disk. */
export const DEFAULT_MAX_DURATION_SECONDS = 12 * 3600;
export const MAX_MAX_DURATION_SECONDS = 7 * 24 * 3600;
