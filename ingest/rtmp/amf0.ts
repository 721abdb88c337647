import { Amf3Reader } from './amf3.js';
import { type AmfBytes, AmfError, type AmfObject, type AmfValue, emptyObject, MAX_AMF_DEPTH } from './amf-bytes.js';

/* AMF 0 specification, 2.1: the markers. */
const NUMBER = 0x00;
const BOOLEAN = 0x01;
const STRING = 0x02;
const OBJECT = 0x03;
const NULL = 0x05;
const UNDEFINED = 0x06;
const REFERENCE = 0x07;
const ECMA_ARRAY = 0x08;
const OBJECT_END = 0x09;
const STRICT_ARRAY = 0x0a;
const DATE = 0x0b;
const LONG_STRING = 0x0c;
const UNSUPPORTED = 0x0d;
const XML_DOCUMENT = 0x0f;
const TYPED_OBJECT = 0x10;
const AVMPLUS_OBJECT = 0x11;

const MAX_STRING_BYTES = 0xffff;

/**
 * Reads one AMF0 value; an AMF3 value within it as well.
 *
 * @throws AmfError
 */
export function readAmf0(bytes: AmfBytes, depth = 0): AmfValue {
  if (depth > MAX_AMF_DEPTH) throw new AmfError('nested too deep');
  const marker = bytes.byte();
  switch (marker) {
    case NUMBER:
      return bytes.double();
    case BOOLEAN:
      return bytes.byte() !== 0;
    case STRING:
      return bytes.text(bytes.uint16());
    case OBJECT:
      return readFields(bytes, depth);
    case NULL:
      return null;
    case UNDEFINED:
    case UNSUPPORTED:
      return undefined;
    case REFERENCE:
      bytes.uint16();
      return undefined;
    case ECMA_ARRAY:
      // Its count is a hint that some encoders leave at 0.
      bytes.uint32();
      return readFields(bytes, depth);
    case STRICT_ARRAY:
      return Array.from({ length: bytes.count(bytes.uint32()) }, () => readAmf0(bytes, depth + 1));
    case DATE: {
      const time = bytes.double();
      bytes.uint16();
      return time;
    }
    case LONG_STRING:
    case XML_DOCUMENT:
      return bytes.text(bytes.uint32());
    case TYPED_OBJECT:
      bytes.text(bytes.uint16());
      return readFields(bytes, depth);
    case AVMPLUS_OBJECT:
      return new Amf3Reader(bytes).read(depth + 1);
    default:
      throw new AmfError(`AMF0 marker ${marker}`);
  }
}

function readFields(bytes: AmfBytes, depth: number): AmfObject {
  const object = emptyObject();
  for (;;) {
    const name = bytes.text(bytes.uint16());
    if (name === '') {
      const end = bytes.byte();
      if (end !== OBJECT_END) throw new AmfError('an object without an end');
      return object;
    }
    object[name] = readAmf0(bytes, depth + 1);
  }
}

/** AMF0 of these values, one behind the other. Lengths are those of the UTF-8 bytes, whatever the text. */
export const writeAmf0 = (values: AmfValue[]): Buffer => Buffer.concat(values.map(writeValue));

function writeValue(value: AmfValue): Buffer {
  if (value === undefined) return Buffer.from([UNDEFINED]);
  if (value === null) return Buffer.from([NULL]);
  if (typeof value === 'boolean') return Buffer.from([BOOLEAN, Number(value)]);
  if (typeof value === 'number') {
    const number = Buffer.alloc(9);
    number.writeDoubleBE(value, 1);
    return number;
  }
  if (typeof value === 'string') return writeText(Buffer.from(value));
  if (Array.isArray(value)) return Buffer.concat([Buffer.from([STRICT_ARRAY]), uint32(value.length), writeAmf0(value)]);
  const fields = Object.entries(value).flatMap(([name, field]) => [shortText(Buffer.from(name)), writeValue(field)]);
  return Buffer.concat([Buffer.from([OBJECT]), ...fields, Buffer.from([0, 0, OBJECT_END])]);
}

const writeText = (text: Buffer): Buffer =>
  text.length > MAX_STRING_BYTES
    ? Buffer.concat([Buffer.from([LONG_STRING]), uint32(text.length), text])
    : Buffer.concat([Buffer.from([STRING]), shortText(text)]);

const shortText = (text: Buffer): Buffer => Buffer.concat([Buffer.from([text.length >> 8, text.length & 255]), text]);

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
