import type { Box } from './box-reader.js';
import { childBoxes, type ChildBox } from './child-boxes.js';
import { MediaFormatError } from './format-error.js';
import type { InitSegment } from './init-segment.js';
import type { Sample } from './sample.js';

/** Flags of tfhd and trun (14496-12, 8.8.7.1 and 8.8.8.1). */
const TFHD_BASE_DATA_OFFSET = 0x01;
const TFHD_DESCRIPTION_INDEX = 0x02;
const TFHD_DURATION = 0x08;
const TFHD_SIZE = 0x10;
const TFHD_FLAGS = 0x20;
const TRUN_DATA_OFFSET = 0x01;
const TRUN_FIRST_FLAGS = 0x04;
const TRUN_DURATION = 0x100;
const TRUN_SIZE = 0x200;
const TRUN_FLAGS = 0x400;
const TRUN_OFFSET = 0x800;
/** sample_is_non_sync_sample in sample_flags. */
export const NON_SYNC_SAMPLE = 0x0001_0000;

/** ffmpeg sends one; a second's worth at 240 fps is the most anyone could mean. */
const MAX_SAMPLES_PER_FRAGMENT = 256;

/** A fragment longer than this is not a frame of a live encoder. */
const MAX_SAMPLE_SECONDS = 30;

interface Defaults {
  duration: number;
  size: number;
  flags: number;
}

/**
 * The samples of one moof + mdat. Nothing is copied when the fragment holds one sample, which is what
 * `+frag_every_frame` gives. Throws MediaFormatError when the two do not fit together.
 */
export function readFragment(moof: Buffer, mdat: Box, init: InitSegment): Sample[] {
  const trafs = childBoxes(moof, 8).filter((box) => box.type === 'traf');
  if (trafs.length !== 1) throw new MediaFormatError(`${trafs.length} tracks in one fragment instead of one`);
  const boxes = childBoxes(trafs[0]!.body);
  const defaults = readTfhd(bodyOf(boxes, 'tfhd'), init);
  let dts = readTfdt(bodyOf(boxes, 'tfdt'));
  const samples: Sample[] = [];
  for (const box of boxes) {
    if (box.type !== 'trun') continue;
    checkDataOffset(box.body, samples, moof.length + mdat.headerSize);
    for (const sample of readTrun(box.body, defaults, init)) {
      samples.push({ ...sample, dts });
      dts += sample.duration;
    }
  }
  attachData(samples, mdat);
  return samples;
}

function bodyOf(boxes: readonly ChildBox[], type: string): Buffer {
  const box = boxes.find((child) => child.type === type);
  if (!box || box.body.length < 8) throw new MediaFormatError(`box ${type} is missing or cut off`);
  return box.body;
}

/** Reads big-endian 32-bit fields one after another and refuses to read past the end. */
function fields(body: Buffer, start: number): () => number {
  let position = start;
  return () => {
    if (position + 4 > body.length) throw new MediaFormatError('a fragment header is cut off');
    position += 4;
    return body.readUInt32BE(position - 4);
  };
}

const flagsOf = (body: Buffer): number => body.readUIntBE(1, 3);

function readTfhd(body: Buffer, init: InitSegment): Defaults {
  const flags = flagsOf(body);
  const next = fields(body, 4);
  const trackId = next();
  if (trackId !== init.trackId) throw new MediaFormatError(`fragment of track ${trackId} instead of ${init.trackId}`);
  if (flags & TFHD_BASE_DATA_OFFSET) throw new MediaFormatError('fragment with a base data offset; default_base_moof is needed');
  if (flags & TFHD_DESCRIPTION_INDEX) next();
  return {
    duration: flags & TFHD_DURATION ? next() : init.defaults.duration,
    size: flags & TFHD_SIZE ? next() : init.defaults.size,
    flags: flags & TFHD_FLAGS ? next() : init.defaults.flags,
  };
}

function readTfdt(body: Buffer): number {
  if (body[0] !== 1) return body.readUInt32BE(4);
  if (body.length < 12) throw new MediaFormatError('tfdt is cut off');
  const time = Number(body.readBigUInt64BE(4));
  if (!Number.isSafeInteger(time)) throw new MediaFormatError('tfdt is negative or absurd');
  return time;
}

/** The data of a run must begin where that of the run before ended, the first right behind the mdat header. */
function checkDataOffset(trun: Buffer, before: readonly Sample[], firstByte: number): void {
  if (!(flagsOf(trun) & TRUN_DATA_OFFSET)) return;
  const offset = fields(trun, 8)() | 0;
  const expected = before.reduce((sum, sample) => sum + sample.size, firstByte);
  if (offset !== expected) throw new MediaFormatError(`data offset ${offset} instead of ${expected}`);
}

function readTrun(body: Buffer, defaults: Defaults, init: InitSegment): Omit<Sample, 'dts'>[] {
  const flags = flagsOf(body);
  const next = fields(body, 4);
  const count = next();
  if (count > MAX_SAMPLES_PER_FRAGMENT) throw new MediaFormatError(`${count} samples in one fragment`);
  if (flags & TRUN_DATA_OFFSET) next();
  const firstFlags = flags & TRUN_FIRST_FLAGS ? next() : null;
  const samples: Omit<Sample, 'dts'>[] = [];
  for (let index = 0; index < count; index++) {
    const duration = flags & TRUN_DURATION ? next() : defaults.duration;
    const size = flags & TRUN_SIZE ? next() : defaults.size;
    const ownFlags = flags & TRUN_FLAGS ? next() : defaults.flags;
    const compositionOffset = flags & TRUN_OFFSET ? next() | 0 : 0;
    if (duration > MAX_SAMPLE_SECONDS * init.timescale) throw new MediaFormatError(`a sample of ${duration} ticks`);
    const sampleFlags = index === 0 && firstFlags !== null ? firstFlags : ownFlags;
    const keyframe = init.kind === 'audio' || (sampleFlags & NON_SYNC_SAMPLE) === 0;
    samples.push({ duration, size, compositionOffset, keyframe, flags: sampleFlags, data: [] });
  }
  return samples;
}

function attachData(samples: readonly Sample[], mdat: Box): void {
  const total = samples.reduce((sum, sample) => sum + sample.size, 0);
  if (total !== mdat.size - mdat.headerSize) {
    throw new MediaFormatError(`samples of ${total} bytes in an mdat of ${mdat.size - mdat.headerSize}`);
  }
  const payload = withoutHeader(mdat);
  if (samples.length === 1) {
    samples[0]!.data = payload;
    return;
  }
  const bytes = Buffer.concat(payload);
  let position = 0;
  for (const sample of samples) {
    sample.data = [bytes.subarray(position, position + sample.size)];
    position += sample.size;
  }
}

function withoutHeader(mdat: Box): Buffer[] {
  let left = mdat.headerSize;
  const payload: Buffer[] = [];
  for (const slice of mdat.slices) {
    if (slice.length > left) payload.push(left > 0 ? slice.subarray(left) : slice);
    left = Math.max(0, left - slice.length);
  }
  return payload;
}
