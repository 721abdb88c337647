/** What an encoder really sends, read from its codec headers and frame times, never from its metadata alone. */
export type VideoCodec = 'h264' | 'hevc' | 'av1' | 'vp9';
export type AudioCodec = 'aac' | 'mp3' | 'opus' | 'ac3' | 'eac3' | 'flac';

export interface VideoSource {
  codec: VideoCodec;
  /** Pixels as shown: after cropping, before any ladder. */
  width: number;
  height: number;
  /** Frames per second, snapped to a standard rate (24, 25, 29.97, 30, 50, 59.94, 60 …). */
  frameRate: number;
}

export interface AudioSource {
  codec: AudioCodec;
  sampleRate: number;
  channels: number;
}

/** At least one of the two is present. */
export interface SourceLayout {
  video: VideoSource | null;
  audio: AudioSource | null;
}

/** The same coded pictures: a decoder, or whoever gets a copy, need not begin anew. The frame rate may differ. */
export const sameVideo = (one: VideoSource | null, other: VideoSource | null): boolean =>
  one?.codec === other?.codec && one?.width === other?.width && one?.height === other?.height;

/** The same coded sound. */
export const sameAudio = (one: AudioSource | null, other: AudioSource | null): boolean =>
  one?.codec === other?.codec && one?.sampleRate === other?.sampleRate && one?.channels === other?.channels;

export const sameSource = (one: SourceLayout, other: SourceLayout): boolean =>
  sameVideo(one.video, other.video) && sameAudio(one.audio, other.audio) && one.video?.frameRate === other.video?.frameRate;
