import type { SourceLayout } from '../source.js';

/* What a restream's workflow asks of a media host, and what it hears. JSON only: it travels through Temporal. */

/** One destination during one broadcast. */
export interface RestreamKey {
  broadcastId: string;
  destinationId: string;
}

export interface RestreamInput extends RestreamKey {
  streamId: string;
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
export type RestreamConnection = Pick<RestreamInput, 'broadcastId' | 'destinationId' | 'attempt'>;
