import { readAmf0 } from './amf0.js';
import { AmfBytes, AmfError, type AmfObject, isObject } from './amf-bytes.js';
import type { PictureSize } from '../source/picture-size.js';

/** What onMetaData claims; used to know how long to wait and to tell 29.97 from 30, never instead of the media. */
export interface StreamMetadata {
  hasVideo: boolean;
  hasAudio: boolean;
  frameRate: number | null;
  size: PictureSize | null;
}

/** Reads `@setDataFrame onMetaData {…}` or `onMetaData {…}` (AMF0); null for anything else or unreadable. */
export function readMetadata(payload: Buffer): StreamMetadata | null {
  const fields = decode(payload);
  if (!fields) return null;
  const width = positive(fields['width']);
  const height = positive(fields['height']);
  return {
    hasVideo: isSaid(fields['videocodecid']),
    hasAudio: isSaid(fields['audiocodecid']),
    frameRate: positive(fields['framerate']) ?? positive(fields['fps']),
    size: width !== null && height !== null ? { width, height } : null,
  };
}

function decode(payload: Buffer): AmfObject | null {
  try {
    const bytes = new AmfBytes(payload);
    let name = readAmf0(bytes);
    if (name === '@setDataFrame') name = readAmf0(bytes);
    const fields = name === 'onMetaData' ? readAmf0(bytes) : null;
    return isObject(fields) ? fields : null;
  } catch (error) {
    if (!(error instanceof AmfError)) throw error;
    // Only a hint: an encoder with broken metadata is judged by its media alone.
    return null;
  }
}

/** A codec number, or a FourCC as text; 0 is what some encoders write for "none". */
const isSaid = (value: unknown): boolean => (typeof value === 'string' ? value !== '' : typeof value === 'number' && value > 0);

function positive(value: unknown): number | null {
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) && number > 0 ? number : null;
}
