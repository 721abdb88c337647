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
