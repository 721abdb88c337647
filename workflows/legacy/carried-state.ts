import type { PublishStarted } from '../../domain/contracts/publishing.js';
import type { CarriedBroadcast } from './carried-broadcast.js';

/** JSON only: it travels through continue-as-new. */
export interface CarriedState {
  disabled: boolean;
  sequence: number;
  version: number;
  lastPublishSeq: number;
  seenEventIds: string[];
  lastBroadcastId: string | null;
  /** The present one, or one that arrived while the last broadcast was ending. */
  publisher: PublishStarted | null;
  /** The history became long in the middle of a broadcast. */
  broadcast?: CarriedBroadcast;
}
