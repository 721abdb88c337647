/** Something that goes on beside the broadcast, for its timeline: the host's disk is nearly full, the encoder too slow, … */
export interface StreamHealth {
  /** Unique per signal; a repeated one is ignored. */
  eventId: string;
  /** Of another broadcast than the present one it is no news any more; null: whatever runs now. */
  broadcastId: string | null;
  problem: string;
  /** Figures and a sentence; never a secret. */
  data: Record<string, unknown>;
}
