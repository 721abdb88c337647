import type { RestreamEnd } from '../domain/destination.js';
import type { SourceLayout } from '../domain/source.js';

export interface RestreamInput {
  streamId: string;
  broadcastId: string;
  destinationId: string;
  /** Numbers the connections of this restream; the same number adopts, a greater one replaces. */
  attempt: number;
  source: SourceLayout;
}

/** What an operator sees under "Pending Activities", and what tells an attempt from its predecessor. */
export interface RestreamProgress {
  pid: number;
  startedAt: string;
  attempt: number;
  bytesSent: number;
  mediaSeconds: number;
}

/** One connection of a restream. */
export type RestreamAttempt = Pick<RestreamInput, 'broadcastId' | 'destinationId' | 'attempt'>;

/** What the restream workflow calls on the media host. */
export interface RestreamActivities {
  /**
   * Runs one connection to a destination until it ends, or adopts the one an earlier run of this attempt started.
   * Resolves for every end the platform, the network or the user causes; rejects only when it was cancelled.
   */
  restream(input: RestreamInput): Promise<RestreamEnd>;
  /** Returns when media has really left for the platform. Throws `destination_lost` when that attempt ended before. */
  awaitRestreamLive(attempt: RestreamAttempt): Promise<void>;
  /** Closes the connection politely; `forced`: it had to be cut. Nothing there: not forced. */
  stopRestream(restream: Pick<RestreamInput, 'broadcastId' | 'destinationId'>): Promise<{ forced: boolean }>;
}
