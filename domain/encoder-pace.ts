/** How far an encoder has come at one moment, and how far what it reads has. */
export interface PaceSample {
  /** Milliseconds of any steady clock. */
  atMs: number;
  /** Seconds of media that have come out of it, of its slowest rendition. */
  encodedSeconds: number;
  /** Seconds of media the ingest has received; counted from anywhere, but always from the same point. */
  receivedSeconds: number;
}

/** What is remembered of an encoder's pace. */
export interface EncoderPace {
  /** The least it was ever behind what was received: how long media is on its way when all is well. */
  leastLag: number | null;
  /** Of the last PACE_WINDOW_MS, oldest first, with one before. */
  samples: readonly PaceSample[];
}

export interface TooSlow {
  /** Seconds of media encoded in a second, over the window. */
  speed: number;
  /** Seconds behind what was received. */
  behindSeconds: number;
}

/** Encoders are behind for moments: while another process takes the CPU, after a burst of input. This long is no moment. */
export const PACE_WINDOW_MS = 12_000;
/** Viewers with low latency have less than this ahead, so they see it; a stutter of the machine is shorter. */
export const BEHIND_SECONDS = 4;
/** Measuring is no finer, and an encoder that is slower by less falls behind by this much only within minutes. */
const REAL_TIME_SPEED = 0.95;
/** Less than this is how it was measured, neither falling behind nor catching up. */
const MEASURED_SECONDS = 0.25;
/** Fewer looks than this in a window: whoever looks was held up himself and has seen too little. */
const MIN_SAMPLES = 5;

export const newPace = (): EncoderPace => ({ leastLag: null, samples: [] });

const lagOf = ({ receivedSeconds, encodedSeconds }: PaceSample): number => receivedSeconds - encodedSeconds;

export function observePace({ leastLag, samples }: EncoderPace, sample: PaceSample): EncoderPace {
  const all = [...samples, sample];
  const firstKept = all.findLastIndex(({ atMs }) => atMs <= sample.atMs - PACE_WINDOW_MS);
  return { leastLag: Math.min(leastLag ?? Infinity, lagOf(sample)), samples: all.slice(Math.max(0, firstKept)) };
}

/**
 * Too slow is an encoder that has had input waiting for the whole window, came less far in it than the clock did, and is
 * still falling behind. A publisher that pauses or is slow itself leaves nothing waiting, and one that sends faster than
 * real time is no reason to blame an encoder that keeps up with the clock. null: it is not too slow, or not for certain.
 */
export function judgePace({ leastLag, samples }: EncoderPace): TooSlow | null {
  const [first, last] = [samples[0], samples.at(-1)];
  if (leastLag === null || !first || !last || samples.length < MIN_SAMPLES || last.atMs - first.atMs < PACE_WINDOW_MS) return null;
  const behind = samples.map((sample) => lagOf(sample) - leastLag);
  const behindSeconds = behind.at(-1)!;
  const MS_PER_SECOND = 1000;
  const speed = (last.encodedSeconds - first.encodedSeconds) / ((last.atMs - first.atMs) / MS_PER_SECOND);
  const always = behind.every((seconds) => seconds >= BEHIND_SECONDS);
  const earlier = behind.filter((_seconds, index) => samples[index]!.atMs <= last.atMs - PACE_WINDOW_MS / 2);
  const grows = behindSeconds > Math.max(...earlier) + MEASURED_SECONDS && behindSeconds > Math.max(...behind) - MEASURED_SECONDS;
  return always && grows && speed < REAL_TIME_SPEED ? { speed, behindSeconds } : null;
}
