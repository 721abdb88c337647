import { exactFrameRate, type EncodePlan, type VideoRendition } from './ladder.js';
import type { VideoSource } from './source.js';

/** Why a source's own picture cannot be shown as it is. */
export const PASSTHROUGH_OBSTACLES = {
  profile: 'its H.264 profile is not one that every player shows (8 bit, 4:2:0, progressive)',
  open_gop: 'a keyframe that is no IDR picture',
  irregular_gop: 'its keyframes are not evenly spaced',
  frame_times: 'its frames are not evenly spaced',
  headers_changed: 'its codec headers changed',
  not_h264: 'it is not H.264',
  no_rung: 'the ladder has no rung of its size and frame rate',
  gop_length: 'its keyframe interval does not fit the segments',
  bitrate: 'its bit rate is too far above what the rung would have',
} as const;
export type PassthroughObstacle = keyof typeof PASSTHROUGH_OBSTACLES;

/** What has been seen of a source's picture since its first keyframe. */
export interface SourceGop {
  /** Frames from one keyframe to the next; 0 while the first GOP is not whole. */
  frames: number;
  /** How long the first GOP took; 0 while it is not whole. */
  seconds: number;
  /** Seconds since the newest keyframe. */
  openSeconds: number;
  /** bit/s of the densest GOP so far. */
  bitrate: number;
  /** What speaks against a copy; stays once it was seen. */
  obstacle: PassthroughObstacle | null;
}

export type PassthroughVerdict =
  | { verdict: 'copy'; plan: EncodePlan }
  | { verdict: 'encode'; obstacle: PassthroughObstacle }
  /** The first GOP is not whole yet. */
  | { verdict: 'wait' };

/** A segment may have so many GOPs of the source: were they shorter, a cut could fall on the wrong keyframe. */
const MAX_GOPS_PER_SEGMENT = 3;
/** Viewers chose a rung by the rate the ladder has for it: twice that is the next rung's, and phones fall behind. */
const MAX_BITRATE_RATIO = 2;
/** Whole milliseconds, and the encoder's own rounding. */
const FRAME_TOLERANCE = 0.5;
const SAME_RATE = 0.01;
/** Bit rates are declared in such steps (bit/s). */
const BITRATE_STEP = 10_000;

/**
 * Whether the source's own picture can be the top rung, copied. A broadcast's segment length, target duration and part
 * target stand before its first segment and hold for every encoder that may follow, so a source fits only if its
 * keyframes fall on the cuts the ladder makes anyway: its GOP, one to three times, is the ladder's GOP to the frame.
 */
export function judgePassthrough(video: VideoSource | null, plan: EncodePlan, gop: SourceGop | null): PassthroughVerdict {
  const encode = (obstacle: PassthroughObstacle): PassthroughVerdict => ({ verdict: 'encode', obstacle });
  if (video?.codec !== 'h264') return encode('not_h264');
  const top = rungOfSource(video, plan);
  if (!top) return encode('no_rung');
  if (!gop) return { verdict: 'wait' };
  if (gop.obstacle) return encode(gop.obstacle);
  const frameSeconds = 1 / top.frameRate;
  if (gop.openSeconds > plan.gopSeconds + frameSeconds) return encode('gop_length');
  if (gop.frames === 0) return { verdict: 'wait' };
  const segmentFrames = Math.round(plan.gopSeconds * top.frameRate);
  const perSegment = segmentFrames / gop.frames;
  if (!Number.isInteger(perSegment) || perSegment > MAX_GOPS_PER_SEGMENT) return encode('gop_length');
  if (!plan.renditions.every((rendition) => rendition.kind !== 'video' || keepsKeyframes(rendition, top, gop))) return encode('gop_length');
  if (Math.abs(gop.seconds - gop.frames * frameSeconds) > FRAME_TOLERANCE * frameSeconds) return encode('frame_times');
  if (gop.bitrate > MAX_BITRATE_RATIO * top.bitrate) return encode('bitrate');
  return { verdict: 'copy', plan: copyingPlan(plan, top, gop, perSegment) };
}

/** The largest rung, if it is the source as it is: a copy can be neither scaled nor slowed down. */
function rungOfSource(video: VideoSource, plan: EncodePlan): VideoRendition | null {
  const top = plan.renditions[0];
  if (top?.kind !== 'video') return null;
  const isSame = top.width === video.width && top.height === video.height;
  return isSame && Math.abs(top.frameRate - exactFrameRate(video.frameRate)) < SAME_RATE ? top : null;
}

/** A slower rung has every n-th frame of the source: the keyframes have to be among them. */
const keepsKeyframes = (rung: VideoRendition, top: VideoRendition, { frames }: SourceGop): boolean =>
  frames % Math.round(top.frameRate / rung.frameRate) === 0;

function copyingPlan(plan: EncodePlan, top: VideoRendition, gop: SourceGop, perSegment: number): EncodePlan {
  const { gopSeconds, renditions } = plan;
  const bitrate = Math.ceil(gop.bitrate / BITRATE_STEP) * BITRATE_STEP;
  return {
    gopSeconds,
    // No early keyframe can be asked for; with several GOPs in a segment the source has one by itself.
    ...(perSegment > 1 ? { firstGopSeconds: gopSeconds / perSegment } : {}),
    renditions: renditions.map((rendition) => (rendition === top ? { ...top, bitrate, copied: true } : rendition)),
  };
}
