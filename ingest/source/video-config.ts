import type { VideoCodec } from '../../domain/source.js';
import { BitReader, readOrNull } from './bit-reader.js';
import type { PictureSize } from './picture-size.js';
import { readH264Sps, sizeOfH265Sps } from './sps.js';

/**
 * The picture size from a codec's sequence header, or null when it is not in there or cannot be read.
 *
 * @param config avcC, hvcC, av1C or vpcC (VP9's holds no size)
 */
export function sizeOfConfig(codec: VideoCodec, config: Buffer): PictureSize | null {
  return readOrNull(() => {
    switch (codec) {
      case 'h264':
        return plausible(sizeOfAvcC(config));
      case 'hevc':
        return plausible(sizeOfHvcC(config));
      case 'av1':
        return plausible(sizeOfAv1C(config));
      case 'vp9':
        return null;
    }
  });
}

/** The size a VP9 keyframe says in its uncompressed header (VP9 bitstream, 6.2); null for other codecs and frames. */
export function sizeOfKeyframe(codec: VideoCodec, frame: Buffer): PictureSize | null {
  return codec === 'vp9' ? readOrNull(() => plausible(sizeOfVp9Keyframe(frame))) : null;
}

/** 8K and some: above it the header was misread, and no rung could be made of it either. */
const MAX_SIDE = 16384;
const plausible = (size: PictureSize | null): PictureSize | null =>
  size && size.width > 1 && size.height > 1 && size.width <= MAX_SIDE && size.height <= MAX_SIDE ? size : null;

/** AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1): the first SPS. */
function sizeOfAvcC(config: Buffer): PictureSize | null {
  const count = config.readUInt8(5) & 0x1f;
  if (count === 0) return null;
  const { width, height } = readH264Sps(config.subarray(8, 8 + config.readUInt16BE(6)));
  return { width, height };
}

const HEVC_SPS = 33;

/** HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1): arrays of NAL units by type. */
function sizeOfHvcC(config: Buffer): PictureSize | null {
  let offset = 23;
  for (let array = config.readUInt8(22); array > 0; array -= 1) {
    const type = config.readUInt8(offset) & 0x3f;
    let units = config.readUInt16BE(offset + 1);
    offset += 3;
    for (; units > 0; units -= 1) {
      const length = config.readUInt16BE(offset);
      offset += 2;
      if (type === HEVC_SPS) return sizeOfH265Sps(config.subarray(offset, offset + length));
      offset += length;
    }
  }
  return null;
}

const OBU_SEQUENCE_HEADER = 1;

/** AV1CodecConfigurationRecord: four bytes, then OBUs, of which the sequence header has the size. */
function sizeOfAv1C(config: Buffer): PictureSize | null {
  let offset = 4;
  while (offset < config.length) {
    const header = config.readUInt8(offset);
    offset += (header & 0x04) !== 0 ? 2 : 1;
    let length = config.length - offset;
    if ((header & 0x02) !== 0) ({ value: length, next: offset } = readLeb128(config, offset));
    const type = (header >> 3) & 0x0f;
    if (type === OBU_SEQUENCE_HEADER) return sizeOfSequenceHeader(config.subarray(offset, offset + length));
    offset += length;
  }
  return null;
}

function readLeb128(bytes: Buffer, start: number): { value: number; next: number } {
  let value = 0;
  for (let index = 0; index < 8; index += 1) {
    const byte = bytes.readUInt8(start + index);
    value += (byte & 0x7f) * 2 ** (7 * index);
    if ((byte & 0x80) === 0) return { value, next: start + index + 1 };
  }
  throw new RangeError('The OBU size is too long');
}

/** AV1 bitstream 5.5.1, up to max_frame_height_minus_1. */
function sizeOfSequenceHeader(header: Buffer): PictureSize {
  const bits = new BitReader(header);
  bits.skip(4); // seq_profile, still_picture
  if (bits.flag())
    bits.skip(5); // reduced_still_picture_header: seq_level_idx[0]
  else skipOperatingPoints(bits);
  const widthBits = bits.read(4) + 1;
  const heightBits = bits.read(4) + 1;
  return { width: bits.read(widthBits) + 1, height: bits.read(heightBits) + 1 };
}

const LEVEL_WITHOUT_TIER = 7;

function skipOperatingPoints(bits: BitReader): void {
  let delayBits = 0;
  if (bits.flag()) {
    bits.skip(64); // num_units_in_display_tick, time_scale
    if (bits.flag()) skipUvlc(bits); // num_ticks_per_picture_minus_1
    if (bits.flag()) {
      delayBits = bits.read(5) + 1;
      bits.skip(32 + 5 + 5);
    }
  }
  const displayDelay = bits.flag();
  for (let points = bits.read(5) + 1; points > 0; points -= 1) {
    bits.skip(12); // operating_point_idc
    if (bits.read(5) > LEVEL_WITHOUT_TIER) bits.skip(1);
    if (delayBits > 0 && bits.flag()) bits.skip(2 * delayBits + 1);
    if (displayDelay && bits.flag()) bits.skip(4);
  }
}

function skipUvlc(bits: BitReader): void {
  let zeros = 0;
  while (!bits.flag()) zeros += 1;
  bits.skip(Math.min(zeros, 32));
}

const VP9_SYNC_CODE = 0x498342;
const VP9_SRGB = 7;

function sizeOfVp9Keyframe(frame: Buffer): PictureSize | null {
  const bits = new BitReader(frame);
  if (bits.read(2) !== 2) return null; // frame_marker
  const profile = bits.read(1) + 2 * bits.read(1);
  if (profile === 3) bits.skip(1);
  const shownAgain = bits.flag();
  const interFrame = bits.flag();
  if (shownAgain || interFrame) return null;
  bits.skip(2); // show_frame, error_resilient_mode
  if (bits.read(24) !== VP9_SYNC_CODE) return null;
  if (profile >= 2) bits.skip(1); // ten_or_twelve_bit
  if (bits.read(3) !== VP9_SRGB) bits.skip(profile === 1 || profile === 3 ? 4 : 1);
  else if (profile === 1 || profile === 3) bits.skip(1);
  return { width: bits.read(16) + 1, height: bits.read(16) + 1 };
}
