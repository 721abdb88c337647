import type { DestinationSummary } from '../domain/contracts/destinations.js';
import type { RestreamState } from '../domain/destination.js';

/** A restream as its stream knows it; its own workflow goes on regardless. */
export interface CarriedRestream {
  summary: DestinationSummary;
  state: RestreamState;
  /** Told to end; if that was while it was being started, it is passed on afterwards. */
  endRequested: boolean;
  /** Start again with what is stored now, once this one has ended. */
  again: boolean;
  ended: boolean;
}
