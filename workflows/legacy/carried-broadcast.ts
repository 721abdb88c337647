import type { SourceLayout } from '../../domain/source.js';
import type { StreamSettings } from '../../domain/stream.js';
import type { CarriedRestream } from '../carried-restream.js';
import type { EncodingInput } from './encoding.js';

/** A broadcast in the middle, for the run that goes on with it. JSON only: it travels through continue-as-new. */
export interface CarriedBroadcast {
  broadcastId: string;
  hostId: string;
  settings: StreamSettings;
  retentionHours: number;
  source: SourceLayout;
  liveAt: string | null;
  /** When it has lasted as long as it may, milliseconds since 1970. */
  endsAt: number;
  /** The running encoder: the next run's activity adopts it. */
  encoding: EncodingInput;
  last: LastEncoder | null;
  failures: number[];
  /** Renditions its host was too slow for; absent where there was none. */
  dropped?: string[];
  restreams: CarriedRestream[];
  /** Since it has changed its host. */
  formerHosts?: string[];
  fromSequence?: number;
}

/** The last encoder that delivered anything (or the first) of a publisher, and how far it came. */
export interface LastEncoder {
  publishId: string;
  epoch: number;
  mediaSeconds: number;
}
