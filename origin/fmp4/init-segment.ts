import { childBoxes, findBox } from './child-boxes.js';
import { aacCodec, avcCodec } from './codecs.js';
import { MediaFormatError } from './format-error.js';

/** What the header of one rendition says. */
export interface InitSegment {
  /** ftyp + moov as they came. */
  bytes: Buffer;
  kind: 'video' | 'audio';
  trackId: number;
  /** Ticks per second of every time in this rendition. */
  timescale: number;
  /** RFC 6381 string made from the codec's own header. */
  codec: string;
  /** Pixels; 0 for audio. */
  width: number;
  height: number;
  /** trex: what a fragment means when it does not say. */
  defaults: { duration: number; size: number; flags: number };
}

/** Reads the header of a single-track H.264 or AAC file. Throws MediaFormatError for anything else. */
export function readInitSegment(ftyp: Buffer, moov: Buffer): InitSegment {
  const body = moov.subarray(8);
  const traks = childBoxes(body).filter((box) => box.type === 'trak');
  if (traks.length !== 1) throw new MediaFormatError(`${traks.length} tracks instead of one`);
  const trak = traks[0]!.body;
  const { kind, codec, width, height } = readSampleEntry(findBox(trak, 'mdia', 'minf', 'stbl', 'stsd'));
  const timescale = readTimescale(findBox(trak, 'mdia', 'mdhd'));
  const { trackId, defaults } = readTrex(findBox(body, 'mvex', 'trex'));
  return { bytes: Buffer.concat([ftyp, moov]), kind, trackId, timescale, codec, width, height, defaults };
}

function readTimescale(mdhd: Buffer): number {
  // Version 1 has two 64-bit times before the timescale, version 0 two 32-bit ones.
  const offset = mdhd[0] === 1 ? 20 : 12;
  const timescale = mdhd.length >= offset + 4 ? mdhd.readUInt32BE(offset) : 0;
  if (timescale === 0) throw new MediaFormatError('mdhd has no timescale');
  return timescale;
}

function readTrex(trex: Buffer): Pick<InitSegment, 'trackId' | 'defaults'> {
  if (trex.length < 24) throw new MediaFormatError('trex is cut off');
  return {
    trackId: trex.readUInt32BE(4),
    defaults: { duration: trex.readUInt32BE(12), size: trex.readUInt32BE(16), flags: trex.readUInt32BE(20) },
  };
}

/** Bytes of VisualSampleEntry and AudioSampleEntry before their child boxes (14496-12, 12.1.3 and 12.2.3). */
const VISUAL_ENTRY_BYTES = 78;
const AUDIO_ENTRY_BYTES = 28;
const VISUAL_WIDTH_OFFSET = 24;
const VISUAL_HEIGHT_OFFSET = 26;

function readSampleEntry(stsd: Buffer): Pick<InitSegment, 'kind' | 'codec' | 'width' | 'height'> {
  const STSD_FIELDS_BYTES = 8;
  const entry = childBoxes(stsd, STSD_FIELDS_BYTES)[0];
  if (entry?.type === 'avc1' && entry.body.length > VISUAL_ENTRY_BYTES) {
    const codec = avcCodec(findBox(entry.body.subarray(VISUAL_ENTRY_BYTES), 'avcC'));
    const width = entry.body.readUInt16BE(VISUAL_WIDTH_OFFSET);
    return { kind: 'video', codec, width, height: entry.body.readUInt16BE(VISUAL_HEIGHT_OFFSET) };
  }
  if (entry?.type === 'mp4a' && entry.body.length > AUDIO_ENTRY_BYTES) {
    return { kind: 'audio', codec: aacCodec(findBox(entry.body.subarray(AUDIO_ENTRY_BYTES), 'esds')), width: 0, height: 0 };
  }
  throw new MediaFormatError(`sample entry ${entry?.type ?? 'missing'} is neither avc1 nor mp4a`);
}
