import type { RestreamRendition } from './destination.js';
import { bitrateFor, gopFrames, pickLadder, type VideoRendition } from './ladder.js';
import { sameAudio, sameVideo, type AudioSource, type SourceLayout, type VideoSource } from './source.js';

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

/** What a connection was made for. */
export interface RestreamFormat {
  source: SourceLayout;
  rendition: RestreamRendition;
  container: RestreamContainer;
}

/**
 * Whether a connection goes on when the source comes back as `now`. New sequence headers reach the platform through a copy
 * (ffmpeg writes them on new extradata), but what platforms transcode and the slate keep the size and the sound they began
 * with: a copied track must stay what it was, and nothing else be made of the source. What is encoded anyway keeps its
 * format at any size; only decoders cannot change their codec.
 */
export function restreamGoesOn({ source, rendition, container }: RestreamFormat, now: SourceLayout): boolean {
  const before = planRestream(source, rendition, container);
  const plan = planRestream(now, rendition, container);
  if (JSON.stringify(before) !== JSON.stringify(plan)) return false;
  const videoFits = plan.video === 'copy' ? sameVideo(source.video, now.video) : source.video?.codec === now.video?.codec;
  const audioFits = plan.audio === 'copy' ? sameAudio(source.audio, now.audio) : source.audio?.codec === now.audio?.codec;
  return videoFits && audioFits;
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
