import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RtmpSession } from '../../ingest/rtmp/node-media-server.js';
import { parseSteps } from '../../ingest/rtmp/parser-steps.js';
import { Socket } from 'node:net';

const HANDSHAKE = Buffer.concat([Buffer.from([3]), Buffer.alloc(2 * 1536)]);
const MEDIA = [8, 9];

/** A parser that has shaken hands, and the media messages it has read. */
function parser() {
  const session = new RtmpSession(new Socket());
  const read: { type: number; size: number; first: number }[] = [];
  session.onOutput = () => undefined;
  session.onPacket = ({ codec_type: type, size, data }) => void read.push({ type, size, first: data[0] ?? -1 });
  const { rtmp } = session;
  Object.assign(rtmp, { onOutputCallback: session.onOutput, onPacketCallback: session.onPacket });
  return { rtmp, read };
}

interface Sent {
  type: number;
  size: number;
  fill: number;
}

/** Messages in chunks of this size, each message in one go. */
function encode(messages: Sent[], chunkBytes: number): Buffer {
  const setSize = Buffer.from([2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  setSize.writeUInt32BE(chunkBytes, 12);
  const chunks = messages.flatMap(({ type, size, fill }) => {
    const header = Buffer.from([4, 0, 0, 0, 0, 0, 0, type, 0, 0, 0, 0]);
    header.writeUIntBE(size, 4, 3);
    const payload = Buffer.alloc(size, fill);
    const parts: Buffer[] = [header, payload.subarray(0, chunkBytes)];
    for (let at = chunkBytes; at < size; at += chunkBytes) parts.push(Buffer.from([0xc4]), payload.subarray(at, at + chunkBytes));
    return parts;
  });
  return Buffer.concat([HANDSHAKE, setSize, ...chunks]);
}

const messages = fc.array(
  fc.record({ type: fc.constantFrom(...MEDIA), size: fc.integer({ min: 5, max: 700 }), fill: fc.integer({ min: 0, max: 255 }) }),
  { minLength: 1, maxLength: 12 },
);
const chunkBytes = fc.integer({ min: 1, max: 800 });

describe('reading in steps', () => {
  it('stops right behind any message it is told to, wherever the bytes were cut, and loses none', () => {
    fc.assert(
      fc.property(messages, chunkBytes, fc.nat(11), fc.integer({ min: 1, max: 5000 }), (sent, size, stop, cut) => {
        const bytes = encode(sent, size);
        const { rtmp, read } = parser();
        const wanted = (stop % sent.length) + 1;
        let at = 0;
        while (read.length < wanted) at += parseSteps(rtmp, bytes.subarray(at, at + cut), () => read.length >= wanted);
        expect(read).toHaveLength(wanted);
        expect(at).toBe(encode(sent.slice(0, wanted), size).length);
        rtmp.parserData(bytes.subarray(at));
        expect(read).toEqual(sent.map(({ type, size: length, fill }) => ({ type, size: length, first: fill })));
      }),
    );
  });
});
