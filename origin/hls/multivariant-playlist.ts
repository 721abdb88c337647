import { attributeList, quoted } from './attributes.js';
import { PROTOCOL_VERSION } from './media-playlist.js';

/** One EXT-X-STREAM-INF. Rates include the audio group. */
export interface Variant {
  uri: string;
  /** bit/s */
  bandwidth: number;
  averageBandwidth: number;
  /** RFC 6381 strings of everything the variant plays. */
  codecs: readonly string[];
  /** Absent for audio. */
  video?: { width: number; height: number; frameRate: number };
}

/** The one EXT-X-MEDIA of a broadcast with picture and sound. */
export interface AudioGroup {
  uri: string;
  name: string;
  channels: number;
}

export interface MultivariantPlaylist {
  /** Best first: a player that does not measure starts with the first (RFC 8216bis 6.2.4 leaves it open). */
  variants: readonly Variant[];
  audio: AudioGroup | null;
}

const AUDIO_GROUP_ID = 'audio';
/** RTMP does not say what language is spoken; Apple 8.10 wants the attribute all the same. */
const UNKNOWN_LANGUAGE = 'und';
const FRAME_RATE_DIGITS = 3;

export function renderMultivariantPlaylist({ variants, audio }: MultivariantPlaylist): string {
  const lines = ['#EXTM3U', `#EXT-X-VERSION:${PROTOCOL_VERSION}`, '#EXT-X-INDEPENDENT-SEGMENTS'];
  if (audio) lines.push(`#EXT-X-MEDIA:${attributeList(audioAttributes(audio))}`);
  for (const variant of variants) {
    lines.push(`#EXT-X-STREAM-INF:${attributeList(variantAttributes(variant, audio !== null))}`, variant.uri);
  }
  return `${lines.join('\n')}\n`;
}

const audioAttributes = (audio: AudioGroup): Record<string, string> => ({
  TYPE: 'AUDIO',
  'GROUP-ID': quoted(AUDIO_GROUP_ID),
  NAME: quoted(audio.name),
  LANGUAGE: quoted(UNKNOWN_LANGUAGE),
  DEFAULT: 'YES',
  AUTOSELECT: 'YES',
  CHANNELS: quoted(String(audio.channels)),
  URI: quoted(audio.uri),
});

const variantAttributes = (variant: Variant, hasAudioGroup: boolean): Record<string, string | number | undefined> => ({
  BANDWIDTH: variant.bandwidth,
  'AVERAGE-BANDWIDTH': variant.averageBandwidth,
  CODECS: quoted(variant.codecs.join(',')),
  RESOLUTION: variant.video && `${variant.video.width}x${variant.video.height}`,
  'FRAME-RATE': variant.video?.frameRate.toFixed(FRAME_RATE_DIGITS),
  AUDIO: hasAudioGroup ? quoted(AUDIO_GROUP_ID) : undefined,
});
