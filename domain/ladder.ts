import type { SourceLayout, VideoSource } from './source.js';

/** A rung as a user writes it: bit/s, and fps if it should be below the source's. */
export interface CustomRung {
  height: number;
  bitrate: number;
  fps?: number;
}

/** One rendition to encode and publish. */
export type Rendition = VideoRendition | AudioRendition;

export interface VideoRendition {
  /** Folder name in playback URLs, for example `720p`. */
  id: string;
  kind: 'video';
  width: number;
  height: number;
  frameRate: number;
  /** bit/s */
  bitrate: number;
  /** The source's own picture, not encoded anew; see domain/passthrough.ts. */
  copied?: true;
}

export interface AudioRendition {
  id: 'audio';
  kind: 'audio';
  bitrate: number;
  sampleRate: 48000;
  channels: 2;
}

/** Everything the encoder and the packager need to know before the first byte. */
export interface EncodePlan {
  renditions: Rendition[];
  /** Seconds between keyframes in every rendition; a segment is one GOP. */
  gopSeconds: number;
  /**
   * Seconds from the first keyframe of an encoder to its second; the third stands where it would without it, `gopSeconds`
   * after the first. Absent where the frame rates have no such instant in common.
   */
  firstGopSeconds?: number;
}

export const GOP_SECONDS = 2;
/**
 * Browsers play nothing before one segment is closed, so the first one is short. An encoder that has just started is given
 * about this much at once, what the publisher sent meanwhile: less would not come out any sooner.
 */
const FIRST_GOP_SECONDS = 0.4;
/** Longer than this share of a GOP, an early second keyframe gains nothing. */
const MAX_FIRST_GOP_SHARE = 0.5;
export const AUDIO_BITRATE = 128_000;

/** Apple's authoring table 1.25, rounded to what x264 veryfast needs for the same picture. */
export const DEFAULT_RUNGS: readonly CustomRung[] = [
  { height: 1080, bitrate: 5_000_000 },
  { height: 720, bitrate: 3_000_000 },
  { height: 480, bitrate: 1_400_000 },
  { height: 360, bitrate: 800_000 },
  { height: 240, bitrate: 500_000 },
];

/** Below this height more than 30 fps is wasted bits on a small picture (Apple 1.25: at most 30 fps below 540p). */
const FULL_RATE_MIN_SHORT_SIDE = 720;
const HALVE_ABOVE_FPS = 30.5;
/** A default ladder keeps at most this many rungs: more cost CPU and give players nothing to choose. */
const DEFAULT_MAX_RUNGS = 3;
const AUDIO_RENDITION: AudioRendition = { id: 'audio', kind: 'audio', bitrate: AUDIO_BITRATE, sampleRate: 48000, channels: 2 };

/** Encoders of 4:2:0 video need even sides. */
const even = (value: number): number => Math.max(2, 2 * Math.round(value / 2));

/**
 * The renditions for what really arrives: never larger or faster than the source. A rung's `height` is the
 * short side, so portrait video gets 720x1280 for the 720 rung, as players and people expect.
 *
 * @param custom a stream's own rungs, or null for the default ladder
 * @param without ids of renditions this machine is too slow for; the smallest picture stays in any case
 */
export function pickLadder(source: SourceLayout, custom: readonly CustomRung[] | null, without: readonly string[] = []): EncodePlan {
  const exact = source.video && { ...source.video, frameRate: exactFrameRate(source.video.frameRate) };
  const rungs = exact ? videoRenditions(exact, custom) : [];
  const video = rungs.filter(({ id }, index) => index === rungs.length - 1 || !without.includes(id));
  const gopSeconds = exact ? gopFrames(exact.frameRate) / exact.frameRate : GOP_SECONDS;
  const firstGopSeconds = pickFirstGop(
    video.map(({ frameRate }) => frameRate),
    gopSeconds,
  );
  return {
    renditions: source.audio ? [...video, AUDIO_RENDITION] : video,
    gopSeconds,
    ...(firstGopSeconds === null ? {} : { firstGopSeconds }),
  };
}

/** The rendition to do without on a machine that is too slow for all of them: the largest picture; null when there is one alone. */
export function expendableRendition(renditions: readonly Rendition[]): VideoRendition | null {
  const [largest, next] = renditions.filter((rendition) => rendition.kind === 'video');
  return largest && next ? largest : null;
}

/** The instant nearest to FIRST_GOP_SECONDS at which every rung has a frame; null when that is too late to be of use. */
function pickFirstGop(frameRates: readonly number[], gopSeconds: number): number | null {
  if (frameRates.length === 0) return FIRST_GOP_SECONDS;
  const slowest = Math.min(...frameRates);
  const latest = MAX_FIRST_GOP_SHARE * gopSeconds;
  const ROUNDING = 1e-6;
  const isWhole = (frames: number): boolean => Math.abs(frames - Math.round(frames)) < ROUNDING;
  const instants = Array.from({ length: Math.floor(latest * slowest + ROUNDING) }, (_none, index) => (index + 1) / slowest);
  const common = instants.filter((seconds) => frameRates.every((rate) => isWhole(rate * seconds)));
  const distance = (seconds: number): number => Math.abs(seconds - FIRST_GOP_SECONDS);
  return common.reduce<number | null>((best, seconds) => (best === null || distance(seconds) < distance(best) ? seconds : best), null);
}

/** 29.97 stands for 30000/1001: the hundredth of a per mille between them would push cuts off the grid within hours. */
export function exactFrameRate(frameRate: number): number {
  const NTSC = 1000 / 1001;
  const TOLERANCE = 0.005;
  const whole = Math.round(frameRate);
  if (Math.abs(frameRate - whole) < TOLERANCE) return whole;
  const ntsc = Math.round(frameRate / NTSC) * NTSC;
  return Math.abs(frameRate - ntsc) < TOLERANCE ? ntsc : frameRate;
}

/** Whole frames of one GOP: 60 at 29.97 fps, so the GOP there lasts 2.002 s. */
export const gopFrames = (frameRate: number): number => Math.max(1, Math.round(frameRate * GOP_SECONDS));

function videoRenditions(source: VideoSource, custom: readonly CustomRung[] | null): VideoRendition[] {
  const shortSide = Math.min(source.width, source.height);
  const rungs = custom ?? DEFAULT_RUNGS;
  const notAbove = rungs.filter((rung) => rung.height <= shortSide);
  const chosen = custom ? notAbove : thin(withSourceRung(notAbove, shortSide));
  const usable = chosen.length > 0 ? chosen : [{ height: shortSide, bitrate: bitrateFor(shortSide), ...fpsOf(rungs) }];
  return [...usable].sort((a, b) => b.height - a.height || b.bitrate - a.bitrate).map((rung) => toRendition(rung, source));
}

const fpsOf = (rungs: readonly CustomRung[]): { fps?: number } => {
  const fps = rungs.at(-1)?.fps;
  return fps === undefined ? {} : { fps };
};

/** A source between two rungs (say 900p) keeps its own size on top when the next rung is much smaller. */
function withSourceRung(rungs: readonly CustomRung[], shortSide: number): CustomRung[] {
  const top = rungs[0];
  const maximum = DEFAULT_RUNGS[0]!.height;
  const SOURCE_RUNG_RATIO = 1.2;
  if (!top || shortSide > maximum || shortSide / top.height < SOURCE_RUNG_RATIO) return [...rungs];
  return [{ height: shortSide, bitrate: bitrateFor(shortSide) }, ...rungs];
}

/** Keeps the top, the bottom that is at least 1.5 times cheaper each step, at most DEFAULT_MAX_RUNGS (4 from 1080p). */
function thin(rungs: readonly CustomRung[]): CustomRung[] {
  const limit = (rungs[0]?.height ?? 0) > 720 ? DEFAULT_MAX_RUNGS + 1 : DEFAULT_MAX_RUNGS;
  const MIN_STEP = 1.5;
  const kept: CustomRung[] = [];
  for (const rung of rungs) {
    const last = kept.at(-1);
    if (!last || last.bitrate / rung.bitrate >= MIN_STEP) kept.push(rung);
  }
  if (kept.length <= limit) return kept;
  return [...kept.slice(0, limit - 1), kept.at(-1)!];
}

/** Bits per second for a height that is no standard rung: between its neighbours by area. */
export function bitrateFor(height: number): number {
  const above = [...DEFAULT_RUNGS].reverse().find((rung) => rung.height >= height) ?? DEFAULT_RUNGS[0]!;
  const share = Math.min(1, (height / above.height) ** 2);
  const MIN_BITRATE = 150_000;
  const STEP = 10_000;
  return Math.max(MIN_BITRATE, Math.round((above.bitrate * share) / STEP) * STEP);
}

function toRendition(rung: CustomRung, source: VideoSource): VideoRendition {
  const shortSide = Math.min(source.width, source.height);
  const scale = Math.min(1, rung.height / shortSide);
  return {
    id: `${rung.height}p${rung.fps ? String(Math.round(rung.fps)) : ''}`,
    kind: 'video',
    width: even(source.width * scale),
    height: even(source.height * scale),
    frameRate: rungFrameRate(rung, source.frameRate),
    bitrate: rung.bitrate,
  };
}

/**
 * Never above the source, and always every k-th source frame with k a divisor of the GOP: only then do the cuts
 * of all renditions fall on the same instants. Small rungs of fast sources run at half rate.
 */
function rungFrameRate(rung: CustomRung, sourceRate: number): number {
  const halve = rung.fps === undefined && sourceRate > HALVE_ABOVE_FPS && rung.height < FULL_RATE_MIN_SHORT_SIDE;
  const limit = halve ? sourceRate / 2 : (rung.fps ?? sourceRate);
  const frames = gopFrames(sourceRate);
  const ROUNDING = 0.01;
  for (let divisor = 1; divisor <= frames; divisor++) {
    if (frames % divisor === 0 && sourceRate / divisor <= limit + ROUNDING) return sourceRate / divisor;
  }
  return sourceRate;
}
