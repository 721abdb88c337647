import type { Sample } from './sample.js';

const TFHD_FLAGS = 0x02_0000 /* default-base-is-moof */ | 0x08 /* duration */ | 0x20; /* flags */
const TRUN_FLAGS = 0x01 /* data offset */ | 0x04 /* first sample's flags */ | 0x200; /* sizes */
const TRUN_DURATIONS = 0x100;
const TRUN_SAMPLE_FLAGS = 0x400;
const TRUN_OFFSETS = 0x800;
const MFHD_BYTES = 16;
const TFHD_BYTES = 24;
const TFDT_BYTES = 20;
const BOX_HEADER_BYTES = 8;

/**
 * One moof + mdat with these samples (at least one, contiguous in decode time), as views that only need to be
 * written one after another. What is the same for all samples goes into tfhd, so that a part costs four bytes per
 * frame: fragments of one frame each would cost 100.
 *
 * @param sequence mfhd sequence number, growing over the rendition
 */
export function writePart(sequence: number, trackId: number, samples: readonly Sample[]): Buffer[] {
  const first = samples[0]!;
  const common = samples[1] ?? first;
  const ownDurations = samples.some((sample) => sample.duration !== first.duration);
  const ownFlags = samples.some((sample, index) => index > 0 && sample.flags !== common.flags);
  const ownOffsets = samples.some((sample) => sample.compositionOffset !== 0);
  // first-sample-flags and per-sample flags exclude each other (14496-12, 8.8.8.1).
  const flags =
    (ownFlags ? TRUN_FLAGS & ~0x04 : TRUN_FLAGS) |
    (ownDurations ? TRUN_DURATIONS : 0) |
    (ownFlags ? TRUN_SAMPLE_FLAGS : 0) |
    (ownOffsets ? TRUN_OFFSETS : 0);
  const perSample = 4 * (1 + Number(ownDurations) + Number(ownFlags) + Number(ownOffsets));
  const trunBytes = BOX_HEADER_BYTES + 12 + (ownFlags ? 0 : 4) + perSample * samples.length;
  const trafBytes = BOX_HEADER_BYTES + TFHD_BYTES + TFDT_BYTES + trunBytes;
  const moofBytes = BOX_HEADER_BYTES + MFHD_BYTES + trafBytes;
  const mediaBytes = samples.reduce((sum, sample) => sum + sample.size, 0);

  const head = Buffer.allocUnsafe(moofBytes + BOX_HEADER_BYTES);
  let at = 0;
  const u32 = (value: number): void => {
    at = head.writeUInt32BE(value >>> 0, at);
  };
  const box = (size: number, type: string): void => {
    u32(size);
    at += head.write(type, at, 'latin1');
  };
  box(moofBytes, 'moof');
  box(MFHD_BYTES, 'mfhd');
  u32(0);
  u32(sequence);
  box(trafBytes, 'traf');
  box(TFHD_BYTES, 'tfhd');
  u32(TFHD_FLAGS);
  u32(trackId);
  u32(first.duration);
  u32(common.flags);
  box(TFDT_BYTES, 'tfdt');
  u32(0x0100_0000);
  at = head.writeBigUInt64BE(BigInt(first.dts), at);
  box(trunBytes, 'trun');
  // Version 1: composition offsets may be negative.
  u32(0x0100_0000 | flags);
  u32(samples.length);
  u32(moofBytes + BOX_HEADER_BYTES);
  if (!ownFlags) u32(first.flags);
  for (const sample of samples) {
    if (ownDurations) u32(sample.duration);
    u32(sample.size);
    if (ownFlags) u32(sample.flags);
    if (ownOffsets) u32(sample.compositionOffset);
  }
  box(mediaBytes + BOX_HEADER_BYTES, 'mdat');

  const views: Buffer[] = [head];
  for (const sample of samples) views.push(...sample.data);
  return views;
}
