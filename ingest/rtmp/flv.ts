/** Tag types of FLV, and message types of RTMP (Adobe FLV 10.1, E.4.1). */
export const FLV_AUDIO = 8;
export const FLV_VIDEO = 9;
export const FLV_SCRIPT = 18;

const TAG_HEADER_BYTES = 11;
const PREVIOUS_TAG_SIZE_BYTES = 4;
const HEADER_BYTES = 9;
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
  tag[0] = type;
  tag.writeUIntBE(size, 1, 3);
  writeTime(tag, timestampMs);
  tag.writeUIntBE(0, 8, 3);
  payload.copy(tag, TAG_HEADER_BYTES);
  tag.writeUInt32BE(TAG_HEADER_BYTES + size, TAG_HEADER_BYTES + size);
  return tag;
}

/** A copy of a tag at another time, milliseconds. */
export function restampedTag(tag: Buffer, timestampMs: number): Buffer {
  const copy = Buffer.allocUnsafe(tag.length);
  tag.copy(copy);
  writeTime(copy, timestampMs);
  return copy;
}

function writeTime(tag: Buffer, timestampMs: number): void {
  const time = timestampMs >>> 0;
  tag.writeUIntBE(time & 0xffffff, 4, 3);
  tag[7] = time >>> 24;
}

export interface FlvTag {
  type: number;
  /** Milliseconds. */
  timeMs: number;
  /** A view. */
  payload: Buffer;
}

/** What a tag with its PreviousTagSize says. */
export const readTag = (tag: Buffer): FlvTag => ({
  type: tag.readUInt8(0),
  timeMs: tag.readUIntBE(4, 3) + tag.readUInt8(7) * 2 ** 24,
  payload: tag.subarray(TAG_HEADER_BYTES, tag.length - PREVIOUS_TAG_SIZE_BYTES),
});

/** The whole tags of an FLV file, as views; what is cut off at its end is left out. */
export function tagsOfFile(file: Buffer): Buffer[] {
  const tags: Buffer[] = [];
  let offset = HEADER_BYTES + PREVIOUS_TAG_SIZE_BYTES;
  while (offset + TAG_HEADER_BYTES <= file.length) {
    const end = offset + TAG_HEADER_BYTES + file.readUIntBE(offset + 1, 3) + PREVIOUS_TAG_SIZE_BYTES;
    if (end > file.length) break;
    tags.push(file.subarray(offset, end));
    offset = end;
  }
  return tags;
}
