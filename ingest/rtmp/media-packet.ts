import type { AudioCodec, VideoCodec } from '../../domain/source.js';

/** What one RTMP audio or video message is, by its first bytes. `body` is a view, valid as long as the message. */
export type MediaPacket = VideoPacket | AudioPacket | UnsupportedPacket | IgnoredPacket;

export interface VideoPacket {
  track: 'video';
  kind: 'config' | 'keyframe' | 'frame';
  codec: VideoCodec;
  /** Milliseconds from decoding to showing: above 0 where B-frames change the order. */
  compositionMs: number;
  body: Buffer;
}

export interface AudioPacket {
  track: 'audio';
  kind: 'config' | 'frame';
  codec: AudioCodec;
  body: Buffer;
}

/** A codec Holdfast cannot take; `codecName` is for people. */
export interface UnsupportedPacket {
  track: 'video' | 'audio';
  kind: 'unsupported';
  codecName: string;
}

/** Carries no media of the main track: end of sequence, commands, HDR hints, further tracks, an empty message. */
export interface IgnoredPacket {
  track: 'video' | 'audio';
  kind: 'ignored';
}

const IGNORED_VIDEO: IgnoredPacket = { track: 'video', kind: 'ignored' };
const IGNORED_AUDIO: IgnoredPacket = { track: 'audio', kind: 'ignored' };

/** Frame types (FLV 10.1, E.4.3.1): 1 is a keyframe, 5 a command without a picture. */
const FRAME_KEY = 1;
const FRAME_COMMAND = 5;

const LEGACY_AVC = 7;
const LEGACY_VIDEO_NAMES: Record<number, string> = {
  2: 'Sorenson H.263',
  3: 'Screen video',
  4: 'VP6',
  5: 'VP6 with alpha',
  6: 'Screen video 2',
  8: 'H.263',
  9: 'MPEG-4',
  12: 'HEVC in the old, unofficial form (switch the encoder to enhanced RTMP)',
};
const LEGACY_AUDIO: Record<number, AudioCodec> = { 2: 'mp3', 10: 'aac', 14: 'mp3' };
const LEGACY_AAC = 10;
const LEGACY_AUDIO_NAMES: Record<number, string> = {
  0: 'PCM',
  1: 'ADPCM',
  3: 'PCM',
  4: 'Nellymoser',
  5: 'Nellymoser',
  6: 'Nellymoser',
  7: 'G.711 A-law',
  8: 'G.711 mu-law',
  11: 'Speex',
  15: 'device-specific sound',
};

/** Enhanced RTMP v2: the highest bit of a video message, or sound format 9, announces a FourCC. */
const ENHANCED_VIDEO = 0x80;
const ENHANCED_AUDIO = 9;
const VIDEO_FOURCC: Record<string, VideoCodec> = { avc1: 'h264', hvc1: 'hevc', av01: 'av1', vp09: 'vp9' };
const AUDIO_FOURCC: Record<string, AudioCodec> = {
  mp4a: 'aac',
  '.mp3': 'mp3',
  Opus: 'opus',
  'ac-3': 'ac3',
  'ec-3': 'eac3',
  fLaC: 'flac',
};

const SEQUENCE_START = 0;
const CODED_FRAMES = 1;
const CODED_FRAMES_X = 3;
const MODIFIER = 7;
const FOURCC_BYTES = 4;
/** The composition time offset that H.264 and HEVC frames have before their bytes. */
const COMPOSITION_TIME_BYTES = 3;

export function readVideoPacket(payload: Buffer): MediaPacket {
  const first = payload[0];
  if (first === undefined) return IGNORED_VIDEO;
  if ((first & ENHANCED_VIDEO) !== 0) return readEnhancedVideo(payload, first);
  const codecId = first & 0x0f;
  const frameType = first >> 4;
  if (frameType === FRAME_COMMAND) return IGNORED_VIDEO;
  if (codecId !== LEGACY_AVC) {
    return { track: 'video', kind: 'unsupported', codecName: LEGACY_VIDEO_NAMES[codecId] ?? `codec number ${codecId}` };
  }
  const packetType = payload[1];
  if (payload.length < 5 || packetType === undefined || packetType > CODED_FRAMES) return IGNORED_VIDEO;
  const kind = packetType === SEQUENCE_START ? 'config' : frameType === FRAME_KEY ? 'keyframe' : 'frame';
  return { track: 'video', kind, codec: 'h264', compositionMs: readComposition(payload, 2), body: payload.subarray(5) };
}

function readEnhancedVideo(payload: Buffer, first: number): MediaPacket {
  const { packetType, offset } = skipModifiers(payload, first & 0x0f);
  const frameType = (first >> 4) & 0x07;
  if (frameType === FRAME_COMMAND) return IGNORED_VIDEO;
  const coded = packetType === CODED_FRAMES || packetType === CODED_FRAMES_X;
  if (!coded && packetType !== SEQUENCE_START) return IGNORED_VIDEO;
  const fourcc = payload.toString('latin1', offset, offset + FOURCC_BYTES);
  const codec = VIDEO_FOURCC[fourcc];
  if (!codec) return { track: 'video', kind: 'unsupported', codecName: shownFourcc(fourcc) };
  const timed = packetType === CODED_FRAMES && (codec === 'h264' || codec === 'hevc');
  const body = payload.subarray(offset + FOURCC_BYTES + (timed ? COMPOSITION_TIME_BYTES : 0));
  const compositionMs = timed ? readComposition(payload, offset + FOURCC_BYTES) : 0;
  const kind = !coded ? 'config' : frameType === FRAME_KEY ? 'keyframe' : 'frame';
  return { track: 'video', kind, codec, compositionMs, body };
}

/** SI24; 0 where the message ends before it. */
const readComposition = (payload: Buffer, offset: number): number =>
  payload.length >= offset + COMPOSITION_TIME_BYTES ? payload.readIntBE(offset, COMPOSITION_TIME_BYTES) : 0;

export function readAudioPacket(payload: Buffer): MediaPacket {
  const first = payload[0];
  if (first === undefined) return IGNORED_AUDIO;
  const format = first >> 4;
  if (format === ENHANCED_AUDIO) return readEnhancedAudio(payload, first);
  const codec = LEGACY_AUDIO[format];
  if (!codec) {
    return { track: 'audio', kind: 'unsupported', codecName: LEGACY_AUDIO_NAMES[format] ?? `sound format ${format}` };
  }
  if (payload.length < 3) return IGNORED_AUDIO;
  if (format !== LEGACY_AAC) return { track: 'audio', kind: 'frame', codec, body: payload.subarray(1) };
  return { track: 'audio', kind: payload[1] === SEQUENCE_START ? 'config' : 'frame', codec, body: payload.subarray(2) };
}

function readEnhancedAudio(payload: Buffer, first: number): MediaPacket {
  const { packetType, offset } = skipModifiers(payload, first & 0x0f);
  if (packetType !== SEQUENCE_START && packetType !== CODED_FRAMES) return IGNORED_AUDIO;
  const fourcc = payload.toString('latin1', offset, offset + FOURCC_BYTES);
  const codec = AUDIO_FOURCC[fourcc];
  if (!codec) return { track: 'audio', kind: 'unsupported', codecName: shownFourcc(fourcc) };
  const body = payload.subarray(offset + FOURCC_BYTES);
  return { track: 'audio', kind: packetType === SEQUENCE_START ? 'config' : 'frame', codec, body };
}

/** Enhanced RTMP v2 "ModEx": any number of sized modifiers (finer timestamps) before the real packet type. */
function skipModifiers(payload: Buffer, firstType: number): { packetType: number; offset: number } {
  let packetType = firstType;
  let offset = 1;
  while (packetType === MODIFIER && offset + 2 < payload.length) {
    let size = payload.readUInt8(offset) + 1;
    offset += 1;
    if (size === 256) {
      size = payload.readUInt16BE(offset) + 1;
      offset += 2;
    }
    offset += size;
    packetType = (payload[offset] ?? 0) & 0x0f;
    offset += 1;
  }
  return { packetType, offset };
}

/** Only letters an encoder may rightly send; anything else would let it write into logs. */
const shownFourcc = (fourcc: string): string => (/^[A-Za-z0-9 .-]{4}$/.test(fourcc) ? `codec "${fourcc}"` : 'an unknown codec');
