import type { AudioSource, SourceLayout } from '../../domain/source.js';

/** What a slate is made as; at least one of the two is present. */
export interface SlateLayout {
  video: { codec: 'h264' | 'hevc'; width: number; height: number; frameRate: number } | null;
  audio: { sampleRate: number; channels: number } | null;
}

/** AAC's sampling frequencies (ISO/IEC 14496-3, table 1.18). */
const AAC_RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];
/** Numbers of channels AAC has a layout for; its 7 is 7.1, eight channels. */
const AAC_CHANNELS = [1, 2, 3, 4, 5, 6, 8];
const DECIMALS = 1000;

/**
 * The slate that can take a source's place, or null when none can be made: only H.264, HEVC and AAC can be continued
 * by what every ffmpeg encodes.
 */
export function slateLayoutOf({ video, audio }: SourceLayout): SlateLayout | null {
  if (video && video.codec !== 'h264' && video.codec !== 'hevc') return null;
  if (audio && !(audio.codec === 'aac' && isAacFormat(audio))) return null;
  if (!video && !audio) return null;
  return {
    video: video && {
      codec: video.codec as 'h264' | 'hevc',
      width: even(video.width),
      height: even(video.height),
      frameRate: Math.round(video.frameRate * DECIMALS) / DECIMALS,
    },
    audio: audio && { sampleRate: audio.sampleRate, channels: audio.channels },
  };
}

const isAacFormat = ({ sampleRate, channels }: AudioSource): boolean => AAC_RATES.includes(sampleRate) && AAC_CHANNELS.includes(channels);

/** 4:2:0 has a colour for each two by two pixels; what a source crops away from there the slate leaves out. */
const even = (pixels: number): number => Math.max(2, pixels - (pixels % 2));

/** Names a slate by everything it is made from, like `h264-1280x720-29.97-aac-48000-2`; safe in paths and addresses. */
export function slateName({ video, audio }: SlateLayout): string {
  return [
    ...(video ? [video.codec, `${video.width}x${video.height}`, String(video.frameRate)] : []),
    ...(audio ? ['aac', String(audio.sampleRate), String(audio.channels)] : []),
  ].join('-');
}
