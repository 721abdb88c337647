import type { TooSlow } from '../encoder-pace.js';
import type { EncoderVerdict } from '../liveness.js';
import type { SourceLayout } from '../source.js';
import type { StreamSettings } from '../stream.js';

/* What a stream's workflow asks of a media host's encoders, and what it hears. JSON only: it travels through Temporal. */

export interface TranscodeInput {
  streamId: string;
  broadcastId: string;
  publishId: string;
  /** Numbers the encoders of a broadcast; the origin refuses an older one than it has seen. */
  epoch: number;
  source: SourceLayout;
  settings: StreamSettings;
  /** The encoder of the same publisher before this one, and how far it came: what it has shown is not shown again. */
  after: { epoch: number; mediaSeconds: number } | null;
  /**
   * Reads the stream's programme instead of one publisher: the slate while nobody publishes, then whoever is back.
   * `publishId` is the one who left.
   */
  programme: boolean;
  /** Numbers of segments begin here at least: another host had the broadcast before. */
  fromSequence?: number;
  /** Renditions of the ladder that this host has been too slow for. */
  without?: string[];
}

export interface TranscodeResult {
  /**
   * `stopped`: ended on purpose, by stopTranscode or for a later epoch. `too_slow`: ended by its host, to be started with a rendition less.
   * `passthrough_over`: the source's picture can no longer be copied; the next encoder goes on where this one has ended.
   */
  reason: Exclude<EncoderVerdict, 'healthy'> | 'stopped' | 'too_slow' | 'passthrough_over';
  /** The encoder's last lines, for a failure. */
  detail: string;
  mediaSeconds: number;
  /** Of `too_slow`. */
  pace?: TooSlow;
}

/** What an operator sees under "Pending Activities", and what tells an attempt from its predecessor. */
export interface TranscodeProgress {
  pid: number;
  startedAt: string;
  epoch: number;
  mediaSeconds: number;
}
