import { expect } from 'vitest';
import * as HLS from 'hls-parser';

HLS.setOptions({ strictMode: true });

export interface CheckedSegment {
  uri: string;
  duration: number;
  discontinuity: boolean;
  map: string;
  gap: boolean;
  programDateTime: number;
}

export interface CheckedMedia {
  targetDuration: number;
  mediaSequence: number;
  discontinuitySequence: number;
  segments: CheckedSegment[];
}

/** A media playlist in the eyes of a strict parser that is not ours; its complaints fail the test. */
export function parseMedia(text: string): CheckedMedia {
  const playlist = HLS.parse(text);
  if (playlist.isMasterPlaylist) throw new Error('a media playlist was expected');
  // The open segment of a playlist in parts has no address and no duration yet.
  const segments = playlist.segments.filter(({ uri }) => uri);
  for (const { duration } of segments) expect(Math.round(duration)).toBeLessThanOrEqual(playlist.targetDuration);
  return {
    targetDuration: playlist.targetDuration,
    mediaSequence: playlist.mediaSequenceBase ?? 0,
    discontinuitySequence: playlist.discontinuitySequenceBase ?? 0,
    segments: segments.map((segment) => ({
      uri: segment.uri,
      duration: segment.duration,
      discontinuity: segment.discontinuity ?? false,
      map: segment.map?.uri ?? '',
      gap: segment.gap ?? false,
      programDateTime: segment.programDateTime!.getTime(),
    })),
  };
}

export interface CheckedVariant {
  uri: string;
  bandwidth: number;
  averageBandwidth: number;
  codecs: string;
  resolution: string | null;
  frameRate: string | null;
}

export function parseMultivariant(text: string): { variants: CheckedVariant[]; audio: string | null } {
  const playlist = HLS.parse(text);
  if (!playlist.isMasterPlaylist) throw new Error('a multivariant playlist was expected');
  const variants = playlist.variants.map((variant) => ({
    uri: variant.uri,
    bandwidth: variant.bandwidth,
    averageBandwidth: variant.averageBandwidth ?? 0,
    codecs: variant.codecs ?? '',
    resolution: variant.resolution ? `${variant.resolution.width}x${variant.resolution.height}` : null,
    frameRate: variant.frameRate?.toFixed(3) ?? null,
  }));
  return { variants, audio: playlist.variants[0]?.audio[0]?.uri ?? null };
}
