import type { PublishRefused, PublishStarted, PublishStopped } from '../contracts/publishing.js';
import type { StreamHealth } from '../contracts/stream-health.js';
import type { RestreamState } from '../destination.js';
import type { EndCause, StreamSettings } from '../stream.js';
import type { EncoderEnd } from './encoder-order.js';
import type { MediaSummary } from './life.js';

/** Everything that can happen to a stream: what it is told, what it is asked for, and how what it does turns out. */
export type Fact =
  | { kind: 'created' }
  | { kind: 'publishStarted'; started: PublishStarted }
  | { kind: 'publishStopped'; stopped: PublishStopped }
  | { kind: 'publishRefused'; refused: PublishRefused }
  | { kind: 'health'; health: StreamHealth }
  | { kind: 'restreamChanged'; state: RestreamState; name: string }
  | { kind: 'endRequested'; cause: EndCause }
  | { kind: 'disabled' }
  | { kind: 'enabled' }
  | { kind: 'deleteRequested' }
  | { kind: 'keyRotated' }
  | { kind: 'encoderPlayable'; broadcastId: string; epoch: number; playable?: boolean }
  /** How obligations turned out. */
  | { kind: 'opened'; broadcastId: string; settings: StreamSettings; retentionHours: number }
  /** The catalog does not know the stream (any more). */
  | { kind: 'unknownStream' }
  | { kind: 'settingsRead'; reusable: boolean }
  | { kind: 'recorded'; count: number }
  | { kind: 'encoderEnded'; broadcastId: string; epoch: number; end: EncoderEnd }
  | { kind: 'encoderStopped'; broadcastId: string; epoch: number }
  | { kind: 'publisherFound'; publishId: string; present: boolean }
  | { kind: 'restreamsEnded'; broadcastId: string }
  | { kind: 'playlistsFinished'; broadcastId: string; summary: MediaSummary | null }
  | { kind: 'dismissed'; publishId: string }
  | { kind: 'handedOver'; key: string }
  | { kind: 'purged' }
  /** Time has passed. */
  | { kind: 'woken' };

/** Where and when something happens; the only sources of time and chance. */
export interface Moment {
  /** ms since 1970 */
  now: number;
  /** A new unguessable name, 32 hex digits. */
  newId(): string;
}
