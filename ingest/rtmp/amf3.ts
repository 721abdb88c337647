import { type AmfBytes, AmfError, type AmfObject, type AmfValue, emptyObject, MAX_AMF_DEPTH } from './amf-bytes.js';

/* AMF 3 specification, 3.1: the markers. */
const UNDEFINED = 0x00;
const NULL = 0x01;
const FALSE = 0x02;
const TRUE = 0x03;
const INTEGER = 0x04;
const DOUBLE = 0x05;
const STRING = 0x06;
const XML_DOCUMENT = 0x07;
const DATE = 0x08;
const ARRAY = 0x09;
const OBJECT = 0x0a;
const XML = 0x0b;
const BYTE_ARRAY = 0x0c;
const VECTOR_INT = 0x0d;
const VECTOR_UINT = 0x0e;
const VECTOR_DOUBLE = 0x0f;

/** Integers have 29 bits, in one to four bytes. */
const MAX_U29_BYTES = 4;
const INTEGER_SIGN = 2 ** 28;
const INTEGER_RANGE = 2 ** 29;

interface Traits {
  names: string[];
  dynamic: boolean;
}

/** Reads one AMF3 value with tables of references of its own, as those within AMF0 have. */
export class Amf3Reader {
  readonly #bytes: AmfBytes;
  readonly #strings: string[] = [];
  readonly #objects: AmfValue[] = [];
  readonly #traits: Traits[] = [];

  constructor(bytes: AmfBytes) {
    this.#bytes = bytes;
  }

  /** @throws AmfError */
  read(depth: number): AmfValue {
    if (depth > MAX_AMF_DEPTH) throw new AmfError('nested too deep');
    const marker = this.#bytes.byte();
    switch (marker) {
      case UNDEFINED:
        return undefined;
      case NULL:
        return null;
      case FALSE:
      case TRUE:
        return marker === TRUE;
      case INTEGER: {
        const number = this.#u29();
        return number >= INTEGER_SIGN ? number - INTEGER_RANGE : number;
      }
      case DOUBLE:
        return this.#bytes.double();
      case STRING:
        return this.#text();
      case XML_DOCUMENT:
      case XML:
        return this.#referable((length) => this.#bytes.text(length));
      case DATE:
        return this.#referable(() => this.#bytes.double());
      case ARRAY:
        return this.#array(depth);
      case OBJECT:
        return this.#object(depth);
      case BYTE_ARRAY:
        return this.#referable((length) => this.#skip(length));
      case VECTOR_INT:
      case VECTOR_UINT:
        return this.#referable((count) => this.#skip(1 + count * 4));
      case VECTOR_DOUBLE:
        return this.#referable((count) => this.#skip(1 + count * 8));
      default:
        throw new AmfError(`AMF3 marker ${marker}`);
    }
  }

  #skip(length: number): undefined {
    this.#bytes.take(length);
  }

  #u29(): number {
    let value = 0;
    for (let count = 1; ; count += 1) {
      const byte = this.#bytes.byte();
      if (count === MAX_U29_BYTES) return value * 256 + byte;
      value = value * 128 + (byte & 0x7f);
      if (byte < 0x80) return value;
    }
  }

  /** A length or count in the upper 28 bits, or null behind `refer` where the lowest bit says that it is a reference. */
  #referable(read: (length: number) => AmfValue): AmfValue {
    const header = this.#u29();
    if ((header & 1) === 0) return this.#objects[header >> 1];
    const index = this.#objects.push(undefined) - 1;
    const value = read(header >> 1);
    this.#objects[index] = value;
    return value;
  }

  #text(): string {
    const header = this.#u29();
    if ((header & 1) === 0) return this.#strings[header >> 1] ?? '';
    const text = this.#bytes.text(header >> 1);
    // The empty text is never referred to (1.3.2).
    if (text !== '') this.#strings.push(text);
    return text;
  }

  #array(depth: number): AmfValue {
    return this.#referable((announced) => {
      for (let name = this.#text(); name !== ''; name = this.#text()) this.read(depth + 1);
      return Array.from({ length: this.#bytes.count(announced) }, () => this.read(depth + 1));
    });
  }

  #object(depth: number): AmfValue {
    const header = this.#u29();
    if ((header & 1) === 0) return this.#objects[header >> 1];
    const object: AmfObject = emptyObject();
    this.#objects.push(object);
    const { names, dynamic } = this.#traitsOf(header >> 1);
    for (const name of names) object[name] = this.read(depth + 1);
    if (dynamic) for (let name = this.#text(); name !== ''; name = this.#text()) object[name] = this.read(depth + 1);
    return object;
  }

  /** `header`: a reference, or the shape of a class that is described here (3.12). */
  #traitsOf(header: number): Traits {
    if ((header & 1) === 0) {
      const known = this.#traits[header >> 1];
      if (!known) throw new AmfError('unknown AMF3 class');
      return known;
    }
    if ((header & 2) !== 0) throw new AmfError('an AMF3 class with an encoding of its own');
    this.#text();
    const names = Array.from({ length: this.#bytes.count(header >> 3) }, () => this.#text());
    const traits = { names, dynamic: (header & 4) !== 0 };
    this.#traits.push(traits);
    return traits;
  }
}
