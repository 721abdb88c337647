import { MediaFormatError } from './format-error.js';

/** A box inside another: its type and its body (header left off). */
export interface ChildBox {
  type: string;
  body: Buffer;
}

const HEADER_BYTES = 8;

/** The boxes that fill `bytes` from `offset` on. Throws MediaFormatError when a size does not fit. */
export function childBoxes(bytes: Buffer, offset = 0): ChildBox[] {
  const children: ChildBox[] = [];
  let position = offset;
  while (position + HEADER_BYTES <= bytes.length) {
    const size = bytes.readUInt32BE(position);
    if (size < HEADER_BYTES || position + size > bytes.length) throw new MediaFormatError(`a box says it has ${size} bytes`);
    const type = bytes.toString('latin1', position + 4, position + HEADER_BYTES);
    children.push({ type, body: bytes.subarray(position + HEADER_BYTES, position + size) });
    position += size;
  }
  return children;
}

/** Follows a path of box types from the outside in; throws MediaFormatError naming the first that is missing. */
export function findBox(bytes: Buffer, ...path: string[]): Buffer {
  let body = bytes;
  for (const type of path) {
    const child = childBoxes(body).find((box) => box.type === type);
    if (!child) throw new MediaFormatError(`box ${type} is missing`);
    body = child.body;
  }
  return body;
}
