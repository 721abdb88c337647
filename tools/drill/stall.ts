/** What the player showed at one moment. */
export interface PlaySample {
  /** Milliseconds, wall clock. */
  at: number;
  /** `currentTime` of the video, seconds. */
  position: number;
  ended: boolean;
  /** How often the page has started playing from the beginning. */
  starts: number;
}

export interface Playback {
  /** Longest time without the position moving on, milliseconds. */
  longestStallMs: number;
  /** When the position moved last, wall clock; null: never. */
  movedAt: number | null;
  /** The page had to start over. */
  restarts: number;
  ended: boolean;
}

/** Samples in the order they were taken; the first one counts as movement. */
export function judgePlayback(samples: readonly PlaySample[]): Playback {
  const first = samples[0];
  if (!first) return { longestStallMs: 0, movedAt: null, restarts: 0, ended: false };
  let [movedAt, position, longest] = [first.at, first.position, 0];
  for (const sample of samples) {
    // At the end standing still is right.
    if (sample.position === position && !sample.ended) {
      longest = Math.max(longest, sample.at - movedAt);
      continue;
    }
    longest = Math.max(longest, sample.ended ? 0 : sample.at - movedAt);
    [movedAt, position] = [sample.at, sample.position];
  }
  const last = samples.at(-1)!;
  return { longestStallMs: longest, movedAt, restarts: last.starts - first.starts, ended: last.ended };
}
