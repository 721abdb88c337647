import { describe, expect, test } from 'vitest';
import { BoxReader, wholeBox, type Box } from '../../origin/fmp4/box-reader.js';
import { aacCodec, avcCodec } from '../../origin/fmp4/codecs.js';
import { MediaFormatError } from '../../origin/fmp4/format-error.js';
import { NON_SYNC_SAMPLE, readFragment } from '../../origin/fmp4/fragment.js';
import { writePart } from '../../origin/fmp4/part-writer.js';
import type { Sample } from '../../origin/fmp4/sample.js';
import { everySeconds, videoFrames, videoInit } from './media-maker.js';

const box = (type: string, body: Buffer): Buffer => {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(body.length + 8, 0);
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, body]);
};

function readBoxes(bytes: Buffer, chunkBytes: number): Box[] {
  const boxes: Box[] = [];
  const reader = new BoxReader((found) => boxes.push(found));
  for (let at = 0; at < bytes.length; at += chunkBytes) reader.push(bytes.subarray(at, at + chunkBytes));
  return boxes;
}

describe('the box reader', () => {
  const stream = Buffer.concat([
    box('ftyp', Buffer.alloc(20, 1)),
    box('moof', Buffer.alloc(92, 2)),
    box('mdat', Buffer.alloc(5000, 3)),
    box('free', Buffer.alloc(0)),
  ]);

  test.each([1, 7, 8, 13, 100, 4096, 100_000])('finds the same boxes in chunks of %d bytes', (chunkBytes) => {
    const boxes = readBoxes(stream, chunkBytes);
    expect(boxes.map(({ type, size }) => [type, size])).toEqual([
      ['ftyp', 28],
      ['moof', 100],
      ['mdat', 5008],
      ['free', 8],
    ]);
    expect(Buffer.concat(boxes.map(wholeBox)).equals(stream)).toBe(true);
  });

  test('copies nothing of a box that came in one chunk', () => {
    const mdat = readBoxes(stream, stream.length).find(({ type }) => type === 'mdat')!;
    expect(mdat.slices[0]!.buffer).toBe(stream.buffer);
  });

  test('reads 64-bit sizes', () => {
    const large = Buffer.alloc(16 + 5);
    large.writeUInt32BE(1, 0);
    large.write('mdat', 4, 'latin1');
    large.writeBigUInt64BE(21n, 8);
    expect(readBoxes(large, 3)).toMatchObject([{ type: 'mdat', size: 21, headerSize: 16 }]);
  });

  test.each<[string, Buffer]>([
    ['text', Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n')],
    ['zeros', Buffer.alloc(64)],
    ['a box smaller than its header', Buffer.from([0, 0, 0, 4, ...Buffer.from('mdat')])],
    ['a box to the end of the file', Buffer.from([0, 0, 0, 0, ...Buffer.from('mdat')])],
    ['a moof of 2 MB', Buffer.from([0, 0x20, 0, 0, ...Buffer.from('moof')])],
    ['an mdat of 1 GB', Buffer.from([0x40, 0, 0, 0, ...Buffer.from('mdat')])],
  ])('refuses %s', (_name, bytes) => {
    expect(() => readBoxes(bytes, bytes.length)).toThrow(MediaFormatError);
  });
});

describe('a part that is written', () => {
  const frames = videoFrames(0, 0.5, everySeconds(2));
  const reread = (samples: Sample[]): Sample[] => {
    const [moof, mdat] = readBoxes(Buffer.concat(writePart(7, 1, samples)), 1000);
    return readFragment(wholeBox(moof!), mdat!, videoInit());
  };
  const plain = (samples: Sample[]) => samples.map(({ data, ...rest }) => ({ ...rest, text: Buffer.concat(data).toString() }));

  test.each<[string, Sample[]]>([
    ['frames of one length', frames],
    ['one frame', frames.slice(0, 1)],
    ['frames of different lengths', contiguous(frames.map((frame, index) => ({ ...frame, duration: frame.duration + (index % 2) })))],
    [
      'B-frames, with composition offsets of both signs',
      frames.map((frame, index) => ({ ...frame, compositionOffset: index % 3 === 0 ? 1024 : -512 })),
    ],
    [
      'flags that differ in the middle',
      frames.map((frame, index) => ({ ...frame, flags: index === 5 ? 0x0200_0000 : frame.flags, keyframe: index === 5 || frame.keyframe })),
    ],
  ])('is read back the same: %s', (_name, samples) => {
    expect(plain(reread(samples))).toEqual(plain(samples));
  });

  test('costs a few bytes per frame', () => {
    const overhead = Buffer.concat(writePart(1, 1, frames)).length - frames.reduce((sum, frame) => sum + frame.size, 0);
    expect(overhead).toBeLessThan(100 + 5 * frames.length);
  });

  test('with sizes that do not add up is refused', () => {
    const [moof, mdat] = readBoxes(Buffer.concat(writePart(1, 1, frames)), 100_000);
    expect(() => readFragment(wholeBox(moof!), { ...mdat!, size: mdat!.size + 1 }, videoInit())).toThrow(MediaFormatError);
  });

  test('of another track is refused', () => {
    const [moof, mdat] = readBoxes(Buffer.concat(writePart(1, 2, frames)), 100_000);
    expect(() => readFragment(wholeBox(moof!), mdat!, videoInit())).toThrow(/track 2/);
  });

  test('keeps what says that a frame is no keyframe', () => {
    expect(reread(frames).map(({ flags }) => flags)).toEqual([0, ...Array<number>(frames.length - 1).fill(NON_SYNC_SAMPLE)]);
  });
});

function contiguous(samples: Sample[]): Sample[] {
  let dts = samples[0]!.dts;
  return samples.map((sample) => {
    const moved = { ...sample, dts };
    dts += sample.duration;
    return moved;
  });
}

describe('codec strings', () => {
  test.each([
    ['high profile, level 3.1', [1, 0x64, 0x00, 0x1f, 0xff], 'avc1.64001f'],
    ['constrained baseline, level 3.0', [1, 0x42, 0xc0, 0x1e, 0xff], 'avc1.42c01e'],
  ])('come from the avcC: %s', (_name, bytes, codec) => {
    expect(avcCodec(Buffer.from(bytes))).toBe(codec);
  });

  const esds = (config: number[]): Buffer =>
    Buffer.from([
      0,
      0,
      0,
      0,
      3,
      0x80,
      0x80,
      0x80,
      20 + config.length,
      0,
      1,
      0,
      4,
      15 + config.length,
      0x40,
      0x15,
      ...Array<number>(11).fill(0),
      5,
      config.length,
      ...config,
    ]);
  test.each([
    ['AAC-LC', [0x11, 0x90], 'mp4a.40.2'],
    ['HE-AAC', [0x2b, 0x11], 'mp4a.40.5'],
    ['an escaped type', [0xf9, 0x40], 'mp4a.40.42'],
  ])('come from the esds: %s', (_name, config, codec) => {
    expect(aacCodec(esds(config))).toBe(codec);
  });
});
