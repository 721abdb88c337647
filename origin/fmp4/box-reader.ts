import { MediaFormatError } from './format-error.js';

/** A complete top-level box. `slices` are views into the chunks it came in (no copy), header included. */
export interface Box {
  type: string;
  headerSize: number;
  /** Bytes, header included. */
  size: number;
  slices: Buffer[];
}

const HEADER_BYTES = 8;
const LARGE_HEADER_BYTES = 16;

/** ffmpeg's init is under 1 kB and a one-frame moof about 100 B; anything near these limits is not our encoder's. */
const MAX_METADATA_BOX_BYTES = 1 << 20;
/** One coded frame: a keyframe at 50 Mbit/s is well below 2 MB. */
const MAX_MEDIA_BOX_BYTES = 16 << 20;

/** Top-level boxes a fragmented file may have (ISO/IEC 14496-12, 6.2.3); all but four are skipped. */
const KNOWN_TYPES = new Set(['ftyp', 'moov', 'moof', 'mdat', 'styp', 'sidx', 'free', 'skip', 'emsg', 'prft', 'mfra']);

/**
 * Cuts a byte stream into top-level boxes, whatever the chunk sizes. Throws MediaFormatError on an unknown type or a
 * size over the limit: without that, garbage would be collected as one endless box.
 */
export class BoxReader {
  #onBox: (box: Box) => void;
  #partialHeader: Buffer | null = null;
  #current: Box | null = null;
  #missing = 0;

  constructor(onBox: (box: Box) => void) {
    this.#onBox = onBox;
  }

  push(chunk: Buffer): void {
    const bytes = this.#partialHeader ? Buffer.concat([this.#partialHeader, chunk]) : chunk;
    this.#partialHeader = null;
    let position = 0;
    while (position < bytes.length) {
      this.#current ??= this.#readHeader(bytes, position);
      if (!this.#current) {
        this.#partialHeader = bytes.subarray(position);
        return;
      }
      const end = Math.min(bytes.length, position + this.#missing);
      this.#current.slices.push(bytes.subarray(position, end));
      this.#missing -= end - position;
      position = end;
      if (this.#missing === 0) {
        const box = this.#current;
        this.#current = null;
        this.#onBox(box);
      }
    }
  }

  /** null = the header is not complete yet. */
  #readHeader(bytes: Buffer, position: number): Box | null {
    const available = bytes.length - position;
    if (available < HEADER_BYTES) return null;
    const type = bytes.toString('latin1', position + 4, position + HEADER_BYTES);
    if (!KNOWN_TYPES.has(type)) throw new MediaFormatError(`unknown top-level box ${JSON.stringify(type)}`);
    let size = bytes.readUInt32BE(position);
    let headerSize = HEADER_BYTES;
    if (size === 1) {
      if (available < LARGE_HEADER_BYTES) return null;
      size = Number(bytes.readBigUInt64BE(position + HEADER_BYTES));
      headerSize = LARGE_HEADER_BYTES;
    }
    const limit = type === 'mdat' ? MAX_MEDIA_BOX_BYTES : MAX_METADATA_BOX_BYTES;
    if (size < headerSize || size > limit) throw new MediaFormatError(`box ${type} says it has ${size} bytes`);
    this.#missing = size;
    return { type, headerSize, size, slices: [] };
  }
}

/** The box's bytes in one piece; a copy only when it came in several chunks. */
export const wholeBox = (box: Box): Buffer => (box.slices.length === 1 ? box.slices[0]! : Buffer.concat(box.slices));
