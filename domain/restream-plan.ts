import type { RestreamRendition } from './destination.js';
import { bitrateFor, gopFrames, pickLadder, type VideoRendition } from './ladder.js';
import type { AudioSource, SourceLayout, VideoSource } from './source.js';

/** What is made of the programme for one destination. */
export interface RestreamPlan {
  video: 'none' | 'copy' | { encode: VideoRendition; gopFrames: number };
  /** `silence`: the programme has no sound, and platforms ignore streams without. */
  audio: 'copy' | 'encode' | 'silence';
}

export type RestreamContainer = 'flv' | 'mpegts';

/** What RTMP platforms take. FLV itself could carry more; they refuse it. */
const RTMP_VIDEO: readonly VideoSource['codec'][] = ['h264'];
/** What receivers of MPEG-TS over SRT take. */
const TS_VIDEO: readonly VideoSource['codec'][] = ['h264', 'hevc'];
/** MP3 in FLV knows these rates only (FLV 10.1, E.4.2.1). */
const FLV_MP3_RATES = [11_025, 22_050, 44_100];

/**
 * Copies what can be copied. A chosen height is always encoded, even if the source is not higher: it is chosen for a
 * platform's limits, and a copy would keep the source's bit rate. Never above the source.
 */
export function planRestream(source: SourceLayout, rendition: RestreamRendition, container: RestreamContainer): RestreamPlan {
  return { video: planVideo(source.video, rendition, container), audio: planAudio(source.audio, container) };
}

function planVideo(video: VideoSource | null, rendition: RestreamRendition, container: RestreamContainer): RestreamPlan['video'] {
  if (!video) return 'none';
  const copied = container === 'flv' ? RTMP_VIDEO : TS_VIDEO;
  if (rendition === 'source' && copied.includes(video.codec)) return 'copy';
  const shortSide = Math.min(video.width, video.height);
  const height = rendition === 'source' ? shortSide : Math.min(rendition, shortSide);
  const [encode] = pickLadder({ video, audio: null }, [{ height, bitrate: bitrateFor(height) }]).renditions;
  if (encode?.kind !== 'video') throw new Error('A source with video has a video rendition');
  return { encode, gopFrames: gopFrames(encode.frameRate) };
}

function planAudio(audio: AudioSource | null, container: RestreamContainer): RestreamPlan['audio'] {
  if (!audio) return 'silence';
  const isMp3 = audio.codec === 'mp3' && (container === 'mpegts' || FLV_MP3_RATES.includes(audio.sampleRate));
  return audio.codec === 'aac' || isMp3 ? 'copy' : 'encode';
}
