/** News for a stream's timeline about where its segments are kept. */
export interface StoreNews {
  problem: 'segments_not_stored' | 'segments_stored_again';
  /** When the disk began to take no segments, milliseconds since 1970: tells one such time from the next. */
  since: number;
}

/** A disk on the edge takes a segment now and then: only when it has taken them for so long, it has room again. */
const STEADY_MS = 30_000;

/** What the timeline is told of a disk that takes no segments: its beginning at once, its end when that has lasted. */
export class StoreHealth {
  #told: number | null = null;
  #storedFrom: number | null = null;

  /**
   * @param unstoredSince as the origin says now, see BroadcastStatus
   * @param nowMs the same clock
   * @returns what is to be told now; null: nothing
   */
  take(unstoredSince: number | null, nowMs: number): StoreNews | null {
    if (unstoredSince !== null) {
      this.#storedFrom = null;
      if (this.#told !== null) return null;
      this.#told = unstoredSince;
      return { problem: 'segments_not_stored', since: unstoredSince };
    }
    if (this.#told === null) return null;
    this.#storedFrom ??= nowMs;
    if (nowMs - this.#storedFrom < STEADY_MS) return null;
    const since = this.#told;
    this.#told = null;
    return { problem: 'segments_stored_again', since };
  }
}
