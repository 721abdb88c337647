import { BitReader } from './bit-reader.js';
import type { PictureSize } from './picture-size.js';

/*
 * Sequence parameter sets of H.264 and H.265. The reader ends with a RangeError where the bytes end, so that a crafted
 * set costs no more than its own length (counts in it may say four thousand million).
 */

/** Profiles whose set says chroma format and scaling lists (ITU-T H.264, 7.3.2.1.1). */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
const CHROMA_444 = 3;
const PLAIN_PROFILE = { chroma: 1, separatePlanes: false };

/** What a sequence parameter set says of the pictures. */
export interface H264Sps extends PictureSize {
  /** profile_idc */
  profile: number;
  /** Progressive: no field is coded on its own. */
  framesOnly: boolean;
}

/** @param sps a NAL unit with its one-byte header, without start code */
export function readH264Sps(sps: Buffer): H264Sps {
  const bits = new BitReader(withoutEmulationPrevention(sps));
  bits.skip(8);
  const profile = bits.read(8);
  bits.skip(16); // constraint flags, level_idc
  bits.ue(); // seq_parameter_set_id
  const { chroma, separatePlanes } = HIGH_PROFILES.has(profile) ? readHighProfile(bits) : PLAIN_PROFILE;
  bits.ue(); // log2_max_frame_num_minus4
  skipPictureOrder(bits);
  bits.ue(); // max_num_ref_frames
  bits.skip(1); // gaps_in_frame_num_value_allowed_flag
  const widthInBlocks = bits.ue() + 1;
  const heightInUnits = bits.ue() + 1;
  const framesOnly = bits.flag();
  if (!framesOnly) bits.skip(1); // mb_adaptive_frame_field_flag
  bits.skip(1); // direct_8x8_inference_flag
  const crop = readWindow(bits);
  const fieldFactor = framesOnly ? 1 : 2;
  const unit = cropUnit(separatePlanes ? 0 : chroma);
  return {
    profile,
    framesOnly,
    width: widthInBlocks * 16 - unit.x * (crop.left + crop.right),
    height: fieldFactor * (heightInUnits * 16 - unit.y * (crop.top + crop.bottom)),
  };
}

function readHighProfile(bits: BitReader): { chroma: number; separatePlanes: boolean } {
  const chroma = bits.ue();
  const separatePlanes = chroma === CHROMA_444 && bits.flag();
  bits.ue(); // bit_depth_luma_minus8
  bits.ue(); // bit_depth_chroma_minus8
  bits.skip(1); // qpprime_y_zero_transform_bypass_flag
  if (bits.flag()) {
    const lists = chroma === CHROMA_444 ? 12 : 8;
    for (let list = 0; list < lists; list += 1) if (bits.flag()) skipScalingList(bits, list < 6 ? 16 : 64);
  }
  return { chroma, separatePlanes };
}

function skipScalingList(bits: BitReader, size: number): void {
  let last = 8;
  let next = 8;
  for (let index = 0; index < size && next !== 0; index += 1) {
    next = (last + bits.se() + 256) % 256;
    if (next !== 0) last = next;
  }
}

function skipPictureOrder(bits: BitReader): void {
  const type = bits.ue();
  if (type === 0) bits.ue(); // log2_max_pic_order_cnt_lsb_minus4
  if (type !== 1) return;
  bits.skip(1); // delta_pic_order_always_zero_flag
  bits.se(); // offset_for_non_ref_pic
  bits.se(); // offset_for_top_to_bottom_field
  for (let cycle = bits.ue(); cycle > 0; cycle -= 1) bits.se();
}

/** @param sps a NAL unit with its two-byte header, without start code (ITU-T H.265, 7.3.2.2.1) */
export function sizeOfH265Sps(sps: Buffer): PictureSize {
  const bits = new BitReader(withoutEmulationPrevention(sps));
  bits.skip(16 + 4); // NAL unit header, sps_video_parameter_set_id
  const subLayers = bits.read(3);
  bits.skip(1); // sps_temporal_id_nesting_flag
  skipProfileTierLevel(bits, subLayers);
  bits.ue(); // sps_seq_parameter_set_id
  const chroma = bits.ue();
  const separatePlanes = chroma === CHROMA_444 && bits.flag();
  const width = bits.ue();
  const height = bits.ue();
  const crop = readWindow(bits);
  const unit = cropUnit(separatePlanes ? 0 : chroma);
  return { width: width - unit.x * (crop.left + crop.right), height: height - unit.y * (crop.top + crop.bottom) };
}

function skipProfileTierLevel(bits: BitReader, subLayers: number): void {
  bits.skip(96);
  const present = Array.from({ length: subLayers }, () => ({ profile: bits.flag(), level: bits.flag() }));
  if (subLayers > 0) bits.skip(2 * (8 - subLayers));
  for (const layer of present) bits.skip((layer.profile ? 88 : 0) + (layer.level ? 8 : 0));
}

function readWindow(bits: BitReader): { left: number; right: number; top: number; bottom: number } {
  if (!bits.flag()) return { left: 0, right: 0, top: 0, bottom: 0 };
  return { left: bits.ue(), right: bits.ue(), top: bits.ue(), bottom: bits.ue() };
}

/** Luma samples per unit of the cropping window: chroma samples are wider, and in 4:2:0 higher, than luma ones. */
const cropUnit = (chroma: number): { x: number; y: number } => ({
  x: chroma === 1 || chroma === 2 ? 2 : 1,
  y: chroma === 1 ? 2 : 1,
});

/** Takes out the 3 of each 0, 0, 3 (H.264 7.4.1, H.265 7.4.2). */
function withoutEmulationPrevention(unit: Buffer): Buffer {
  return Buffer.from(unit.filter((byte, at) => !(byte === 3 && at >= 2 && unit[at - 1] === 0 && unit[at - 2] === 0)));
}
