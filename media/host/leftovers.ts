import type { StreamStatus } from '../../domain/stream.js';

/** An encoder or a connection of this host. */
export interface HostedProcess {
  kind: 'encoder' | 'restream';
  streamId: string;
  broadcastId: string;
  /** Of an encoder: its epoch; of a connection: its number. */
  epoch: number;
  /** Of a connection. */
  destinationId?: string;
  /** For how long no activity has been attached to it. */
  detachedMs: number;
}

/** A broadcast that this host's origin has open. */
export interface HostedBroadcast {
  kind: 'broadcast';
  streamId: string;
  broadcastId: string;
}

/** What of its state a stream's workflow says (StreamState); `encoder` is absent in the answer of a run from before hosts compared. */
export interface StreamView {
  status: StreamStatus;
  broadcastId: string | null;
  hostId: string | null;
  encoder?: { broadcastId: string; hostId: string; epoch: number } | null;
}

/** A worker that is started again, and a lost heartbeat, attach anew in well under this time. */
export const DETACHED_LIMIT_MS = 30_000;
/** The end of a broadcast takes less, and so does the start of the next. */
export const UNWANTED_BROADCAST_LIMIT_MS = 60_000;

/**
 * Whether a stream's workflow has no use for something that this host has. `gone`: there is no such workflow, or it is over.
 * A broadcast that goes on at another host is kept: it may come back, and is finished by its workflow's own word.
 */
export function isUnwanted(found: HostedProcess | HostedBroadcast, view: StreamView | 'gone', hostId: string): boolean {
  if (view === 'gone') return true;
  if (view.broadcastId !== found.broadcastId) return found.kind !== 'broadcast' || view.status !== 'ending';
  if (found.kind === 'broadcast') return false;
  if (found.kind === 'restream') return view.hostId !== null && view.hostId !== hostId;
  const { encoder } = view;
  if (encoder === undefined) return false;
  return encoder?.broadcastId !== found.broadcastId || encoder.hostId !== hostId || encoder.epoch !== found.epoch;
}

/** Since when (ms) broadcasts have been unwanted without a break. */
export type UnwantedSince = ReadonlyMap<string, number>;

/** What is remembered after another look. @param unwanted those that nobody wants now; one that could not be asked about is none */
export const observeUnwanted = (before: UnwantedSince, unwanted: readonly string[], now: number): UnwantedSince =>
  new Map(unwanted.map((broadcastId) => [broadcastId, before.get(broadcastId) ?? now]));

/** Broadcasts that have been unwanted for so long that they are ended. */
export const dueBroadcasts = (since: UnwantedSince, now: number): string[] =>
  [...since].filter(([, from]) => now - from > UNWANTED_BROADCAST_LIMIT_MS).map(([broadcastId]) => broadcastId);
