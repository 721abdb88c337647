/** How the segments of one encoder run are cut into parts. */
export interface PartProfile {
  /** Nominal seconds of a part; a whole number of them fills a segment. */
  partDuration: number;
  /** EXT-X-PART-INF:PART-TARGET, seconds: the longest part that can occur, rounded up at the printed precision. */
  partTarget: number;
}

/** A part duration that was asked for and cannot be had, and why. */
export interface RefusedPartDuration {
  partDuration: number;
  reason: string;
}

export interface ChosenPartProfile extends PartProfile {
  refused: RefusedPartDuration[];
}

/** What is cut: everything that decides how long parts become. */
export interface PartSource {
  gopSeconds: number;
  /** Of every video rendition. */
  frameRates: readonly number[];
  hasAudio: boolean;
  /** A rendition keeps the times of its source, which are whole milliseconds and may lie a little beside their places. */
  keepsSourceTimes?: boolean;
}

/** Digits behind the point of every duration in a playlist; PART-TARGET is rounded up at the last of them. */
export const DURATION_DIGITS = 5;
/** Part durations one can choose, seconds, shortest first; docs/caching.md and the README tell what each is good for. */
export const PART_DURATIONS = [0.2, 1 / 3, 0.5, 1] as const;
/** Three of them, the hold-back, keep a browser 1.2 s behind the encoder; of the shortest, 0.8 s. */
export const DEFAULT_PART_DURATION = 1 / 3;
/** A part may close this much (seconds) before its grid point: decode times are rounded to ticks. */
export const VIDEO_PART_TOLERANCE = 0.002;
export const AAC_FRAME_SECONDS = 1024 / 48_000;
/** Half an AAC frame: the part ends at the frame boundary nearest to the grid point. */
export const AUDIO_PART_TOLERANCE = AAC_FRAME_SECONDS / 2;
/** Parts that are not the last of their segment last at least this share of PART-TARGET (RFC 8216bis 4.4.4.9). */
export const MIN_PART_SHARE = 0.85;
/**
 * Seconds a part of copied pictures may be longer than its frames should be: the first and the last lie 3 ms beside their places
 * at most.
 */
const SOURCE_TIME_SPREAD = 0.006;
/** Sound segments that can occur: of one frame less, and of one more. */
const SOUND_SEGMENTS = 2;
/** Rounding of ticks and of binary fractions, seconds. */
const EPSILON = 1e-6;

/** How many parts of about `partDuration` seconds fill a segment. */
export const partsPerSegment = (segmentSeconds: number, partDuration: number): number =>
  Math.max(1, Math.round(segmentSeconds / partDuration));

/**
 * The constants of a broadcast's parts, worked out once before the first of them: PART-TARGET must be at least every
 * part's DURATION and may never change (RFC 8216bis 4.4.3.7). A duration whose parts differ too much at these frame rates
 * is refused with the reason, and the next longer one is taken; in the end a part is the whole segment.
 *
 * @param wanted seconds
 */
export function choosePartProfile(wanted: number, source: PartSource): ChosenPartProfile {
  const refused: RefusedPartDuration[] = [];
  for (const nominal of [wanted, ...PART_DURATIONS.filter((duration) => duration > wanted)]) {
    const partDuration = source.gopSeconds / partsPerSegment(source.gopSeconds, nominal);
    const lengths = lengthsOf(source, partDuration, Infinity);
    const partTarget = targetOf(source, partDuration, lengths);
    const reason = unlawful(lengths, partTarget);
    if (!reason) return { partDuration, partTarget, refused };
    refused.push({ partDuration: nominal, reason });
  }
  return {
    partDuration: source.gopSeconds,
    partTarget: targetOf(source, source.gopSeconds, lengthsOf(source, source.gopSeconds, Infinity)),
    refused,
  };
}

/** The longest part there can be; a picture at its source's times may be longer by how far those lie beside their places. */
function targetOf({ keepsSourceTimes, hasAudio }: PartSource, partDuration: number, lengths: readonly number[][]): number {
  const pictures = hasAudio ? lengths.slice(0, -SOUND_SEGMENTS) : lengths;
  const spread = keepsSourceTimes ? SOURCE_TIME_SPREAD : 0;
  return roundUp(Math.max(partDuration, ...lengths.flat(), ...pictures.flat().map((seconds) => seconds + spread)));
}

/**
 * The cutting of a later encoder run, whose frame rate may be another, under a PART-TARGET that stands: the longest
 * duration whose parts stay lawful. `reason` says why none does; the parts are then as near as they can be.
 */
export function fitPartProfile(partTarget: number, source: PartSource): PartProfile & { reason: string | null } {
  const fewest = Math.max(1, Math.floor(source.gopSeconds / partTarget + EPSILON));
  const most = Math.max(1, Math.ceil(source.gopSeconds / (partTarget * MIN_PART_SHARE) - EPSILON));
  let reason: string | null = null;
  for (let count = fewest; count <= most; count++) {
    const partDuration = source.gopSeconds / count;
    const problem = unlawful(lengthsOf(source, partDuration, partTarget), partTarget);
    if (!problem) return { partDuration, partTarget, reason: null };
    reason ??= problem;
  }
  return { partDuration: source.gopSeconds / fewest, partTarget, reason };
}

/**
 * True when a part is complete: it has come to its grid point `partNumber * partDuration`, or one more frame would make
 * it longer than PART-TARGET. The last part of a sound segment takes the rest instead, however long the frames make it.
 *
 * @param partNumber 1 for the first part of the segment
 * @param segmentSeconds from the start of the segment to the end of the part's last frame
 * @param partSeconds the part alone
 */
export function completesPart(
  kind: 'video' | 'audio',
  { partDuration, partTarget }: PartProfile,
  gopSeconds: number,
  part: { partNumber: number; segmentSeconds: number; partSeconds: number; frameSeconds: number },
): boolean {
  const { partNumber, segmentSeconds, partSeconds, frameSeconds } = part;
  if (partSeconds + frameSeconds > partTarget + EPSILON) return true;
  const isLast = partNumber >= partsPerSegment(gopSeconds, partDuration);
  if (isLast && kind === 'audio') return false;
  const tolerance = kind === 'video' ? VIDEO_PART_TOLERANCE : AUDIO_PART_TOLERANCE;
  return segmentSeconds >= partNumber * partDuration - tolerance;
}

/** Seconds of each part of a segment of `frames` frames. */
export function partLengths(
  kind: 'video' | 'audio',
  profile: PartProfile,
  gopSeconds: number,
  frames: number,
  frameSeconds: number,
): number[] {
  const lengths: number[] = [];
  let start = 0;
  for (let end = 1; end <= frames; end++) {
    const partSeconds = (end - start) * frameSeconds;
    const part = { partNumber: lengths.length + 1, segmentSeconds: end * frameSeconds, partSeconds, frameSeconds };
    if (end < frames && !completesPart(kind, profile, gopSeconds, part)) continue;
    lengths.push(partSeconds);
    start = end;
  }
  return lengths;
}

/** One list per kind of segment that can occur: of every frame rate, and sound segments of one frame less and more. */
function lengthsOf({ gopSeconds, frameRates, hasAudio }: PartSource, partDuration: number, partTarget: number): number[][] {
  const profile = { partDuration, partTarget };
  const pictures = frameRates.map((rate) =>
    partLengths('video', profile, gopSeconds, Math.max(1, Math.round(gopSeconds * rate)), 1 / rate),
  );
  const frames = Math.floor(gopSeconds / AAC_FRAME_SECONDS);
  const sounds = hasAudio ? [frames, frames + 1].map((count) => partLengths('audio', profile, gopSeconds, count, AAC_FRAME_SECONDS)) : [];
  return [...pictures, ...sounds];
}

/** Why these parts must not be listed under this PART-TARGET; null when they may. */
function unlawful(segments: readonly number[][], partTarget: number): string | null {
  const bounded = segments.flatMap((lengths) => lengths.slice(0, -1));
  const shortest = Math.min(...bounded, Infinity);
  const longest = Math.max(...segments.flat());
  const MS = 1000;
  if (longest > partTarget + EPSILON)
    return `a part of ${(longest * MS).toFixed(0)} ms is above the part target of ${(partTarget * MS).toFixed(0)} ms`;
  if (shortest >= MIN_PART_SHARE * partTarget) return null;
  const share = Math.floor((100 * shortest) / partTarget);
  const lengths = `${(shortest * MS).toFixed(0)} and ${(longest * MS).toFixed(0)} ms`;
  return `parts of ${lengths} differ too much: the shortest is ${share} % of the longest, not 85 %`;
}

function roundUp(seconds: number): number {
  const scale = 10 ** DURATION_DIGITS;
  // A part of a digit is taken off first: 0.5 s must not become 0.50001 because of binary fractions.
  return Math.ceil(seconds * scale - EPSILON) / scale;
}
