/** Tag types of FLV, and message types of RTMP (Adobe FLV 10.1, E.4.1). */
export const FLV_AUDIO = 8;
export const FLV_VIDEO = 9;
export const FLV_SCRIPT = 18;

const TAG_HEADER_BYTES = 11;
const PREVIOUS_TAG_SIZE_BYTES = 4;
const HAS_AUDIO = 4;
const HAS_VIDEO = 1;

/** The 9 bytes of the file header and PreviousTagSize0. The flags are what ffmpeg's demuxer opens streams from. */
export function flvHeader(tracks: { audio: boolean; video: boolean }): Buffer {
  const flags = (tracks.audio ? HAS_AUDIO : 0) | (tracks.video ? HAS_VIDEO : 0);
  return Buffer.from([0x46, 0x4c, 0x56, 1, flags, 0, 0, 0, 9, 0, 0, 0, 0]);
}

/**
 * One tag with its PreviousTagSize, in a buffer of its own: the payload is copied.
 *
 * @param timestampMs milliseconds, taken modulo 2^32 (FLV has 24 bits and 8 more above them)
 */
export function flvTag(type: number, timestampMs: number, payload: Buffer): Buffer {
  const size = payload.length;
  const tag = Buffer.allocUnsafe(TAG_HEADER_BYTES + size + PREVIOUS_TAG_SIZE_BYTES);
  const time = timestampMs >>> 0;
  tag[0] = type;
  tag.writeUIntBE(size, 1, 3);
  tag.writeUIntBE(time & 0xffffff, 4, 3);
  tag[7] = time >>> 24;
  tag.writeUIntBE(0, 8, 3);
  payload.copy(tag, TAG_HEADER_BYTES);
  tag.writeUInt32BE(TAG_HEADER_BYTES + size, TAG_HEADER_BYTES + size);
  return tag;
}
