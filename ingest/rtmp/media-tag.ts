import type { AudioCodec, SourceLayout, VideoCodec } from '../../domain/source.js';
import { FLV_AUDIO, FLV_VIDEO, readTag } from './flv.js';
import { readAudioPacket, readVideoPacket } from './media-packet.js';

export type Track = 'audio' | 'video';

/** An FLV tag, and what a splice has to know of it. */
export interface MediaTag {
  track: Track;
  kind: 'config' | 'keyframe' | 'frame';
  codec: VideoCodec | AudioCodec;
  /** Decoding time, milliseconds. */
  timeMs: number;
  /** Milliseconds from decoding to showing; 0 for sound. */
  compositionMs: number;
  /** The RTMP message, a view. */
  payload: Buffer;
  /** The whole tag. */
  bytes: Buffer;
}

/** Null for tags without media of Holdfast's codecs. */
export function readMediaTag(bytes: Buffer): MediaTag | null {
  const { type, timeMs, payload } = readTag(bytes);
  if (type !== FLV_VIDEO && type !== FLV_AUDIO) return null;
  const packet = type === FLV_VIDEO ? readVideoPacket(payload) : readAudioPacket(payload);
  if (packet.kind === 'ignored' || packet.kind === 'unsupported') return null;
  const { track, kind, codec } = packet;
  const compositionMs = packet.track === 'video' ? packet.compositionMs : 0;
  return { track, kind, codec, timeMs, compositionMs, payload, bytes };
}

/** What a reader's decoders were opened for; null = without that track. */
export interface TrackCodecs {
  video: VideoCodec | null;
  audio: AudioCodec | null;
}

export const codecsOf = ({ video, audio }: SourceLayout): TrackCodecs => ({
  video: video?.codec ?? null,
  audio: audio?.codec ?? null,
});

export const sameCodecs = (one: TrackCodecs, other: TrackCodecs): boolean => one.video === other.video && one.audio === other.audio;

/** For logs: `h264+aac`. */
export const codecNames = ({ video, audio }: TrackCodecs): string => [video, audio].filter(Boolean).join('+');
