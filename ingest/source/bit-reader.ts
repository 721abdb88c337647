/** Reads codec headers bit by bit, most significant bit first. Reading past the end throws a RangeError. */
export class BitReader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Bits not read yet. */
  get left(): number {
    return this.#bytes.length * 8 - this.#position;
  }

  /** The next `count` bits as an unsigned number; count up to 32. */
  read(count: number): number {
    if (count > this.left) throw new RangeError('The codec header is too short');
    let value = 0;
    for (let index = 0; index < count; index += 1) {
      const byte = this.#bytes[this.#position >> 3] ?? 0;
      value = value * 2 + ((byte >> (7 - (this.#position & 7))) & 1);
      this.#position += 1;
    }
    return value;
  }

  flag(): boolean {
    return this.read(1) === 1;
  }

  /** Unsigned Exp-Golomb code (ITU-T H.264, 9.1). */
  ue(): number {
    let zeros = 0;
    while (!this.flag()) zeros += 1;
    if (zeros > 31) throw new RangeError('The codec header has a number above 32 bits');
    return 2 ** zeros - 1 + this.read(zeros);
  }

  /** Signed Exp-Golomb code (9.1.1). */
  se(): number {
    const code = this.ue();
    return code % 2 === 0 ? -code / 2 : (code + 1) / 2;
  }

  skip(count: number): void {
    if (count > this.left) throw new RangeError('The codec header is too short');
    this.#position += count;
  }
}

/** What `read` finds, or null when the bytes end before it has. */
export function readOrNull<T>(read: () => T | null): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
