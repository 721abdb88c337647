import fc from 'fast-check';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { readChunksLeniently } from '../../ingest/rtmp/chunk-reader.js';
import { RtmpSession } from '../../ingest/rtmp/node-media-server.js';
import { parseSteps } from '../../ingest/rtmp/parser-steps.js';

const HANDSHAKE = Buffer.concat([Buffer.from([3]), Buffer.alloc(2 * 1536)]);
const EXTENDED = 0xffffff;
const VIDEO = 9;
const [FIRST_STREAM, SECOND_STREAM] = [4, 6];

interface Sent {
  chunkStream: number;
  timeMs: number;
  payload: Buffer;
}

interface Manner {
  chunkBytes: number;
  /** Of the chunk streams that say the extended timestamp again in the chunks that continue a message. */
  repeats: number[];
  /** As differences to the message before, in headers of the second kind. */
  deltas: boolean;
}

function encode(messages: Sent[], { chunkBytes, repeats, deltas }: Manner): Buffer {
  const parts: Buffer[] = [Buffer.from([2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0])];
  parts[0]?.writeUInt32BE(chunkBytes, 12);
  const before = new Map<number, number>();
  for (const { chunkStream, timeMs, payload } of messages) {
    const last = before.get(chunkStream);
    before.set(chunkStream, timeMs);
    const isDelta = deltas && last !== undefined;
    const time = isDelta ? timeMs - last : timeMs;
    const header = Buffer.alloc(isDelta ? 8 : 12);
    header[0] = (isDelta ? 1 << 6 : 0) | chunkStream;
    header.writeUIntBE(Math.min(time, EXTENDED), 1, 3);
    header.writeUIntBE(payload.length, 4, 3);
    header[7] = VIDEO;
    const extended = Buffer.alloc(time >= EXTENDED ? 4 : 0);
    if (extended.length > 0) extended.writeUInt32BE(time);
    parts.push(header, extended, payload.subarray(0, chunkBytes));
    for (let at = chunkBytes; at < payload.length; at += chunkBytes) {
      parts.push(Buffer.from([0xc0 | chunkStream]), repeats.includes(chunkStream) ? extended : Buffer.alloc(0));
      parts.push(payload.subarray(at, at + chunkBytes));
    }
  }
  return Buffer.concat(parts);
}

/** What a parser makes of these bytes, cut into pieces of `cut`. */
function read(bytes: Buffer, cut: number, { lenient = true, inSteps = false } = {}): Sent[] {
  const session = new RtmpSession(new Socket());
  const { rtmp } = session;
  const messages: Sent[] = [];
  const onPacketCallback: RtmpSession['onPacket'] = ({ dts, size, data }) =>
    void messages.push({ chunkStream: rtmp.parserPacket.header.cid, timeMs: dts, payload: Buffer.from(data.subarray(0, size)) });
  Object.assign(rtmp, { onOutputCallback: () => undefined, onPacketCallback });
  if (lenient) readChunksLeniently(rtmp);
  rtmp.parserData(HANDSHAKE.subarray(0, 1));
  rtmp.parserData(HANDSHAKE.subarray(1, 1537));
  rtmp.parserData(HANDSHAKE.subarray(1537));
  for (let at = 0; at < bytes.length; at += cut) {
    const piece = bytes.subarray(at, at + cut);
    if (inSteps) parseSteps(rtmp, piece, () => false);
    else rtmp.parserData(piece);
  }
  return messages;
}

const sent = (base: number, clocks: [number, number]) =>
  fc
    .array(fc.record({ second: fc.boolean(), step: fc.nat(40), size: fc.integer({ min: 5, max: 600 }), fill: fc.nat(255) }), {
      minLength: 1,
      maxLength: 12,
    })
    .map((messages) => {
      const clock = clocks.map((start) => base + start);
      return messages.map(({ second, step, size, fill }): Sent => {
        const index = Number(second);
        const timeMs = (clock[index] ?? 0) + step;
        clock[index] = timeMs;
        return { chunkStream: second ? SECOND_STREAM : FIRST_STREAM, timeMs, payload: Buffer.alloc(size, fill) };
      });
    });
const chunkBytes = fc.integer({ min: 1, max: 300 });
const cut = fc.integer({ min: 1, max: 700 });
const repeats = fc.subarray([FIRST_STREAM, SECOND_STREAM]);
const ACROSS = EXTENDED - 100;

/** The last bytes of a message might be a time until more have come. */
const ENDING: Sent = { chunkStream: 8, timeMs: 0, payload: Buffer.alloc(5) };

describe('chunks', () => {
  it('of clocks beyond 24 bits are read, whether the time is said again in each or not, however the bytes are cut', () => {
    fc.assert(
      fc.property(sent(ACROSS, [0, 50]), chunkBytes, cut, repeats, fc.boolean(), (messages, size, piece, again, inSteps) => {
        const bytes = encode([...messages, ENDING], { chunkBytes: size, repeats: again, deltas: false });
        expect(read(bytes, piece, { inSteps }).slice(0, messages.length)).toEqual(messages);
      }),
    );
  });

  it('that say differences are read, when the first time was beyond 24 bits', () => {
    fc.assert(
      fc.property(sent(EXTENDED, [0, 50]), chunkBytes, cut, repeats, (messages, size, piece, again) => {
        const bytes = encode([...messages, ENDING], { chunkBytes: size, repeats: again, deltas: true });
        expect(read(bytes, piece).slice(0, messages.length)).toEqual(messages);
      }),
    );
  });

  it('of any other clock are read as node-media-server reads them', () => {
    fc.assert(
      fc.property(sent(0, [0, 50]), chunkBytes, cut, fc.boolean(), (messages, size, piece, deltas) => {
        const bytes = encode(messages, { chunkBytes: size, repeats: [], deltas });
        expect(read(bytes, piece)).toEqual(messages);
        expect(read(bytes, piece)).toEqual(read(bytes, piece, { lenient: false }));
      }),
    );
  });
});
