import type { HostRoom } from '../../domain/contracts/publish-claims.js';

/** What decides whether this host takes another stream. */
export interface HostState {
  /** Streams it may carry at once. */
  maxStreams: number;
  draining: boolean;
  /** Its disk is nearly full. */
  diskFull: boolean;
}

/** How much room there is; what is on the host already may always come back. */
export function hostRoom({ maxStreams, draining, diskFull }: HostState): HostRoom {
  if (draining) return { streams: 0, refusal: 'host_draining' };
  if (diskFull) return { streams: 0, refusal: 'disk_full' };
  return { streams: maxStreams, refusal: 'host_full' };
}
