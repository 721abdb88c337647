/** Bytes that are not AMF, or AMF that nobody writes in good faith. */
export class AmfError extends Error {}

/** A value of AMF0 or AMF3. Dates are numbers, byte arrays and vectors are left out (undefined). */
export type AmfValue = string | number | boolean | null | undefined | AmfValue[] | AmfObject;
export interface AmfObject {
  [field: string]: AmfValue;
}

/** Objects within objects; encoders need three. */
export const MAX_AMF_DEPTH = 32;

/** An object whose fields may have any name, `__proto__` too. */
export const emptyObject = (): AmfObject => Object.create(null) as AmfObject;

export const isObject = (value: AmfValue): value is AmfObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads forward through bytes that a peer sent; beyond their end is an AmfError. */
export class AmfBytes {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(length: number): Buffer {
    if (length > this.left) throw new AmfError('a value is cut off');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  byte(): number {
    return this.take(1).readUInt8();
  }

  uint16(): number {
    return this.take(2).readUInt16BE();
  }

  uint32(): number {
    return this.take(4).readUInt32BE();
  }

  double(): number {
    return this.take(8).readDoubleBE();
  }

  text(length: number): string {
    return this.take(length).toString('utf8');
  }

  /** How many values a list says it has: none is shorter than a byte. */
  count(announced: number): number {
    if (announced > this.left) throw new AmfError('a list is longer than its message');
    return announced;
  }
}
