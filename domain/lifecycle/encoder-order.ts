import type { SourceLayout } from '../source.js';
import type { StreamSettings } from '../stream.js';

/** One encoder epoch of a broadcast, as a media host is asked for it. */
export interface EncoderOrder {
  hostId: string;
  streamId: string;
  broadcastId: string;
  publishId: string;
  /** Numbers the encoders of a broadcast; an older one than the origin has seen is refused there. */
  epoch: number;
  source: SourceLayout;
  settings: StreamSettings;
  /** The encoder of the same publisher before this one, and how far it came: what it has shown is not shown again. */
  after: { epoch: number; mediaSeconds: number } | null;
  /** Reads the stream's programme (the slate while nobody publishes, then whoever is back) instead of one publisher. */
  programme: boolean;
  /** Numbers of segments begin here at least: another host had the broadcast before. */
  fromSequence?: number;
  /** Renditions of the ladder that this host has been too slow for. */
  without?: string[];
}

/** How an encoder ended, as far as the rules care. */
export interface EncoderEnd {
  /**
   * `source_gone`: its publisher has left, says the ingest. `source_unknown`: its input ended, and the ingest answers nothing.
   * `host_lost`: the media host took or finished no activity. The others: it ended although its publisher is there.
   */
  reason: 'source_gone' | 'source_unknown' | 'host_lost' | 'crashed' | 'stalled' | 'stopped' | 'too_slow' | 'passthrough_over';
  detail: string;
  mediaSeconds: number;
  /** Of `too_slow`. */
  pace?: { speed: number; behindSeconds: number };
  /** Nobody answers at that host. */
  unreachable?: boolean;
}
