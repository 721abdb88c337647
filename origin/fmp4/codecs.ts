import { MediaFormatError } from './format-error.js';

const hex = (value: number): string => value.toString(16).padStart(2, '0');

/** `avc1.PPCCLL` from an avcC body: profile, compatibility and level bytes (RFC 6381, 3.3). */
export function avcCodec(avcC: Buffer): string {
  if (avcC.length < 4 || avcC[0] !== 1) throw new MediaFormatError('avcC is not version 1');
  return `avc1.${hex(avcC[1]!)}${hex(avcC[2]!)}${hex(avcC[3]!)}`;
}

/** Descriptor tags of ISO/IEC 14496-1, 7.2.2.1. */
const ES_DESCRIPTOR = 3;
const DECODER_CONFIG = 4;
const DECODER_SPECIFIC_INFO = 5;
/** objectTypeIndication of MPEG-4 audio. */
const MPEG4_AUDIO = 0x40;

/** `mp4a.40.N` from an esds body; N is the audio object type, 2 for AAC-LC (RFC 6381, 3.3). */
export function aacCodec(esds: Buffer): string {
  const FULL_BOX_BYTES = 4;
  const es = descriptor(esds, FULL_BOX_BYTES, ES_DESCRIPTOR);
  // ES_ID (2) and one byte of flags; ffmpeg sets none of the optional fields.
  const ES_FIELDS_BYTES = 3;
  const config = descriptor(es, ES_FIELDS_BYTES, DECODER_CONFIG);
  if (config[0] !== MPEG4_AUDIO) throw new MediaFormatError(`audio object type indication ${config[0]} is not MPEG-4 audio`);
  const DECODER_CONFIG_FIELDS_BYTES = 13;
  const specific = descriptor(config, DECODER_CONFIG_FIELDS_BYTES, DECODER_SPECIFIC_INFO);
  return `mp4a.40.${audioObjectType(specific)}`;
}

function descriptor(bytes: Buffer, offset: number, tag: number): Buffer {
  if (bytes[offset] !== tag) throw new MediaFormatError(`esds descriptor ${tag} is missing`);
  let position = offset + 1;
  let length = 0;
  // Seven bits per byte, the top bit says that another byte follows (14496-1, 8.3.3).
  for (let more = true; more; position++) {
    const byte = bytes[position];
    if (byte === undefined) throw new MediaFormatError('esds is cut off');
    length = (length << 7) | (byte & 0x7f);
    more = (byte & 0x80) !== 0;
  }
  return bytes.subarray(position, position + length);
}

/** First five bits of AudioSpecificConfig; 31 escapes to six more (14496-3, 1.6.2.1). */
function audioObjectType(config: Buffer): number {
  if (config.length < 2) throw new MediaFormatError('AudioSpecificConfig is cut off');
  const ESCAPE = 31;
  const type = config[0]! >> 3;
  return type === ESCAPE ? 32 + (((config[0]! & 7) << 3) | (config[1]! >> 5)) : type;
}
