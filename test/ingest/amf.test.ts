import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AmfBytes, AmfError, type AmfValue } from '../../ingest/rtmp/amf-bytes.js';
import { readAmf0, writeAmf0 } from '../../ingest/rtmp/amf0.js';
import { readCommand } from '../../ingest/rtmp/command-message.js';
import { readMetadata } from '../../ingest/rtmp/stream-metadata.js';
import { amf } from './raw-encoder.js';

const AMF0 = 20;
const AMF3 = 17;
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const read = (bytes: Buffer): AmfValue => readAmf0(new AmfBytes(bytes));
const plain = (value: AmfValue): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

const text = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }));
const { value: anyValue } = fc.letrec<{ value: AmfValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    text,
    fc.double({ noNaN: true }),
    fc.boolean(),
    fc.constant(null),
    fc.constant(undefined),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      text.filter((name) => name !== '' && name !== '__proto__'),
      tie('value'),
      { maxKeys: 4 },
    ),
  ),
}));

describe('AMF0', () => {
  it('says texts with the length of their bytes, so that any text arrives whole', () => {
    const words = '“rtmp://…/live/<Schlüssel>” 鍵 🔑';
    const bytes = writeAmf0([words, null]);
    expect(bytes.readUInt16BE(1)).toBe(Buffer.byteLength(words));
    const from = new AmfBytes(bytes);
    expect([readAmf0(from), readAmf0(from), from.left]).toEqual([words, null, 0]);
  });

  it('says texts of more than 65535 bytes as long ones, counted in bytes as well', () => {
    const words = '…'.repeat(30_000);
    const bytes = writeAmf0([words]);
    expect(bytes[0]).toBe(0x0c);
    expect(bytes.readUInt32BE(1)).toBe(90_000);
    expect(read(bytes)).toBe(words);
  });

  it('reads what it has written, whatever it is', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(plain(read(writeAmf0([value])))).toEqual(plain(value));
      }),
    );
  });

  it('reads any bytes, or says that they are none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isAmf3) => {
        try {
          read(Buffer.concat([isAmf3 ? hex('11') : hex(''), bytes]));
        } catch (error) {
          expect(error).toBeInstanceOf(AmfError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it.each<[string, string, unknown]>([
    ['a date', '0b 4059000000000000 0000', 100],
    ['a list with a wrong count', '08 00000000 0001 61 00 3ff0000000000000 0000 09', { a: 1 }],
    ['an object of a class', '10 0003 466f6f 0001 61 01 01 0000 09', { a: true }],
  ])('reads %s', (_name, bytes, value) => {
    expect(plain(read(hex(bytes)))).toEqual(value);
  });

  it('a field that is named like the prototype is a field', () => {
    const object = read(Buffer.concat([hex('03 0009'), Buffer.from('__proto__'), amf({ admin: 1 }), hex('000009')])) as { admin?: number };
    expect(object.admin).toBeUndefined();
  });
});

describe('AMF3 within AMF0', () => {
  it.each<[string, string, unknown]>([
    ['undefined', '00', undefined],
    ['null', '01', null],
    ['false', '02', false],
    ['true', '03', true],
    ['a small number', '04 7f', 127],
    ['a number of two bytes', '04 8100', 128],
    ['a negative number', '04 ffffffff', -1],
    ['the largest number', '04 bfffffff', 2 ** 28 - 1],
    ['a double', '05 3ff8000000000000', 1.5],
    ['a text', '06 07 616263', 'abc'],
    ['XML', '0b 07 616263', 'abc'],
    ['a date', '08 01 4059000000000000', 100],
    ['a list', '09 05 01 04 01 06 03 61', [1, 'a']],
    ['a list with names', '09 03 03 61 04 01 01 04 02', [2]],
    ['an object with fields of its own', '0a 0b 01 03 61 04 01 01', { a: 1 }],
    ['an object of a class, its names known', '0a 23 03 43 03 61 03 62 04 01 04 02', { a: 1, b: 2 }],
    ['a text that was said before', '09 05 01 06 03 61 06 00', ['a', 'a']],
    ['an object whose class was described before', '09 05 01 0a 13 01 03 61 04 01 0a 01 04 02', [{ a: 1 }, { a: 2 }]],
    ['bytes', '0c 05 ffff', undefined],
    ['a vector', '0d 05 00 00000001 00000002', undefined],
  ])('%s is read to its end', (_name, bytes, value) => {
    const from = new AmfBytes(Buffer.concat([hex('11'), hex(bytes), amf('behind')]));
    expect(plain(readAmf0(from))).toEqual(value);
    expect(readAmf0(from)).toBe('behind');
  });

  it.each([
    ['a list that is longer than its message', '09 ffffffff 01'],
    ['nesting without an end', '0903 01'.repeat(40)],
    ['a class that never was', '0a 01'],
  ])('%s is none', (_name, bytes) => {
    expect(() => read(Buffer.concat([hex('11'), hex(bytes)]))).toThrow(AmfError);
  });
});

describe('a command', () => {
  const said = Buffer.concat([amf('connect'), amf(1), amf({ app: 'live', odd: hex('11 0a 0b 01 03 61 04 01 01') }), amf('more')]);

  it.each<[string, number, Buffer]>([
    ['in AMF0', AMF0, said],
    ['in AMF3', AMF3, Buffer.concat([hex('00'), said])],
    ['in AMF3 without the byte before it', AMF3, said],
  ])('%s', (_name, type, payload) => {
    const command = readCommand(type, payload);
    expect(command).toMatchObject({ name: 'connect', transactionId: 1, args: ['more'] });
    expect(plain(command.commandObject)).toEqual({ app: 'live', odd: { a: 1 } });
  });

  it('ends where it cannot be read, and is none without a name', () => {
    expect(readCommand(AMF0, Buffer.concat([amf('odd'), amf(3), hex('7e 01 02')]))).toMatchObject({
      name: 'odd',
      transactionId: 3,
      args: [],
    });
    expect(() => readCommand(AMF0, amf(1))).toThrow(AmfError);
    expect(() => readCommand(AMF0, Buffer.alloc(0))).toThrow(AmfError);
  });
});

it('metadata with AMF3 in it says what it says', () => {
  const fields = amf({ width: 1280, height: 720, framerate: 30, odd: hex('11 09 01 01'), videocodecid: 7 });
  expect(readMetadata(Buffer.concat([amf('@setDataFrame'), amf('onMetaData'), fields]))).toEqual({
    hasVideo: true,
    hasAudio: false,
    frameRate: 30,
    size: { width: 1280, height: 720 },
  });
});
