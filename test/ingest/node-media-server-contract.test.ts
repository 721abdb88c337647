import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { beforeEach, describe, expect, it } from 'vitest';
import { RtmpSession } from '../../ingest/rtmp/node-media-server.js';
import { amf } from './raw-encoder.js';

/*
 * Everything that ingest/rtmp replaces, wraps or reads of node-media-server's inner parts, none of which it promises to keep.
 * Another version has to pass this, or ingest/rtmp has to change with it.
 */

const HANDSHAKE_BYTES = 1536;
/** node-media-server's states of the handshake and of the parser. */
const UNBEGUN = 0;
const DONE = 3;
const READS_PAYLOAD = 4;
const [SET_CHUNK_SIZE, USER_CONTROL, WINDOW_ACKNOWLEDGEMENT_SIZE, AUDIO, VIDEO] = [1, 4, 5, 8, 9];
const [DATA_AMF3, COMMAND_AMF3, COMMAND] = [15, 17, 20];

/** The protocol's inside. */
type Inside = RtmpSession['rtmp'] & {
  parserState: number;
  flv: unknown;
  parserData(bytes: Buffer): string | null;
};

let session: RtmpSession;
let rtmp: Inside;
let output: Buffer[];
beforeEach(() => {
  session = new RtmpSession(new Socket());
  rtmp = session.rtmp as Inside;
  output = [];
  session.onOutput = (bytes) => void output.push(Buffer.from(bytes));
  session.onPacket = () => undefined;
});

/** One message in one chunk, with its stream id; for those that are shorter than 128 bytes, or than the chunk size that was set. */
function message(type: number, payload: Buffer, { timestampMs = 0, streamId = 1, fmt = 0 } = {}): Buffer {
  const header = Buffer.alloc(12);
  header[0] = (fmt << 6) | (type === AUDIO ? 4 : type === VIDEO ? 6 : 3);
  header.writeUIntBE(timestampMs, 1, 3);
  header.writeUIntBE(payload.length, 4, 3);
  header[7] = type;
  header.writeUInt32LE(streamId, 8);
  return Buffer.concat([header, payload]);
}
const command = (...values: Parameters<typeof amf>[0][]): Buffer => message(COMMAND, Buffer.concat(values.map(amf)));
const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

function shakeHands(): void {
  session.run();
  rtmp.parserData(Buffer.concat([Buffer.from([3]), randomBytes(HANDSHAKE_BYTES)]));
  rtmp.parserData(randomBytes(HANDSHAKE_BYTES));
  output.length = 0;
  rtmp.parserData(message(SET_CHUNK_SIZE, uint32(4096)));
}
const connect = (): string | null => rtmp.parserData(command('connect', 1, { app: 'live', tcUrl: 'rtmp://host/live' }));

describe('node-media-server', () => {
  it('is the version these tests are for', () => {
    const { version } = createRequire(import.meta.url)('node-media-server/package.json') as { version: string };
    const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: Record<string, string> };
    expect(dependencies['node-media-server']).toBe(version);
  });

  it('shakes hands byte by byte, and counts them', () => {
    session.run();
    expect(rtmp.handshakeState).toBe(UNBEGUN);
    rtmp.parserData(Buffer.from([3]));
    rtmp.parserData(randomBytes(HANDSHAKE_BYTES - 1));
    expect(output).toEqual([]);
    rtmp.parserData(randomBytes(1));
    expect(Buffer.concat(output)).toHaveLength(1 + 2 * HANDSHAKE_BYTES);
    rtmp.parserData(randomBytes(HANDSHAKE_BYTES));
    expect(rtmp.handshakeState).toBe(DONE);
  });

  it('gives the bytes of its socket to the function that is set before it runs, and the end of it', () => {
    const socket = new Socket();
    const own = new RtmpSession(socket);
    const seen: string[] = [];
    own.onData = (data) => void seen.push(String(data));
    own.onClose = () => void seen.push('closed');
    own.onError = ({ message: text }) => void seen.push(text);
    own.run();
    socket.emit('data', Buffer.from('bytes'));
    socket.emit('error', new Error('reset'));
    socket.emit('close');
    expect(seen).toEqual(['bytes', 'reset', 'closed']);
  });

  it('takes the sizes that a peer announces', () => {
    shakeHands();
    expect(rtmp.inChunkSize).toBe(4096);
    expect(rtmp.ackSize).toBeUndefined();
    rtmp.parserData(message(WINDOW_ACKNOWLEDGEMENT_SIZE, uint32(500_000)));
    expect(rtmp.ackSize).toBe(500_000);
  });

  it('gives commands of both encodings and user control messages to functions that can be replaced, with their bytes and stream', () => {
    shakeHands();
    const seen: unknown[] = [];
    const note = (handler: string) => () => {
      const { header, payload } = rtmp.parserPacket;
      seen.push([handler, header.type, header.stream_id, payload.subarray(0, header.length).toString('hex')]);
    };
    rtmp.invokeHandler = note('invoke');
    rtmp.eventHandler = note('event');
    for (const type of [COMMAND, COMMAND_AMF3, USER_CONTROL]) rtmp.parserData(message(type, Buffer.from([0, type]), { streamId: 7 }));
    expect(seen).toEqual([
      ['invoke', COMMAND, 7, '0014'],
      ['invoke', COMMAND_AMF3, 7, '0011'],
      ['event', USER_CONTROL, 7, '0004'],
    ]);
    expect(output).toEqual([]);
  });

  it('calls the steps of its parser on the object, where they can be wrapped', () => {
    shakeHands();
    const names = [
      'packetAlloc',
      'chunkMessageHeaderRead',
      'controlHandler',
      'dataHandler',
      'invokeHandler',
      'packetParse',
      'packetHandler',
      'chunkRead',
    ] as const;
    const called = new Set<string>();
    for (const name of names) {
      const original = (rtmp[name] as (...args: unknown[]) => unknown).bind(rtmp);
      Object.assign(rtmp, { [name]: (...args: unknown[]) => (called.add(name), original(...args)) });
    }
    connect();
    rtmp.parserData(message(WINDOW_ACKNOWLEDGEMENT_SIZE, uint32(1)));
    rtmp.parserData(message(AUDIO, Buffer.from([0xaf, 1, 0])));
    expect(called).toEqual(new Set(names));
  });

  it('an error thrown by a wrapped step comes out of the parser', () => {
    shakeHands();
    rtmp.packetAlloc = () => {
      throw new Error('too large');
    };
    expect(() => connect()).toThrow('too large');
  });

  it('keeps what is half received where it can be counted', () => {
    shakeHands();
    const whole = message(VIDEO, Buffer.alloc(3000));
    rtmp.parserData(whole.subarray(0, 1012));
    const { header, bytes, capacity, payload } = rtmp.parserPacket;
    expect(header).toMatchObject({ type: VIDEO, length: 3000, fmt: 0 });
    expect(bytes).toBe(1000);
    expect(capacity).toBeGreaterThanOrEqual(3000);
    expect(payload.length).toBe(capacity);
    expect(rtmp.inPackets.get(6)).toBe(rtmp.parserPacket);
    expect(rtmp.parserState).toBe(READS_PAYLOAD);
  });

  it('gives media with its absolute time, which goes on with deltas', () => {
    shakeHands();
    const packets: { type: number; dts: number; size: number; bytes: string }[] = [];
    session.onPacket = ({ codec_type: type, dts, size, data }) =>
      void packets.push({ type, dts, size, bytes: data.subarray(0, size).toString('hex') });
    session.run();
    const [first, second] = [Buffer.from([0xaf, 1, 1]), Buffer.from([0xaf, 1, 2])];
    rtmp.parserData(message(AUDIO, first, { timestampMs: 1000 }));
    const delta = Buffer.from([(1 << 6) | 4, 0, 0, 20, 0, 0, second.length, AUDIO]);
    rtmp.parserData(Buffer.concat([delta, second]));
    expect(packets).toEqual([
      { type: AUDIO, dts: 1000, size: 3, bytes: 'af0101' },
      { type: AUDIO, dts: 1020, size: 3, bytes: 'af0102' },
    ]);
  });

  it('gives AMF3 data with its first byte', () => {
    shakeHands();
    const packets: unknown[] = [];
    session.onPacket = ({ codec_type: type, size, data }) => void packets.push([type, data.subarray(0, size).toString('hex')]);
    session.run();
    rtmp.parserData(message(DATA_AMF3, Buffer.from([0, 2, 0, 0])));
    expect(packets).toEqual([[DATA_AMF3, '00020000']]);
  });

  it('keeps the header it reads, and its state, where another reader of chunks finds and leaves them', () => {
    shakeHands();
    const whole = message(VIDEO, Buffer.alloc(100));
    rtmp.parserData(whole.subarray(0, 5));
    expect(rtmp).toMatchObject({ parserState: 2, parserBytes: 5, parserBasicBytes: 1 });
    expect(rtmp.parserBuffer.subarray(0, 5)).toEqual(whole.subarray(0, 5));
    rtmp.parserData(whole.subarray(5));
    expect(rtmp.parserState).toBe(0);
    const reader = Object.getPrototypeOf(rtmp) as Inside;
    expect(reader.chunkRead).toHaveLength(3);
  });

  it('has a writer of FLV per connection that can be let go', () => {
    expect(rtmp.flv).toBeTypeOf('object');
    shakeHands();
    rtmp.flv = null;
    expect(rtmp.parserData(message(AUDIO, Buffer.from([0xaf, 1, 0])))).toBeNull();
  });

  it('prints nothing of its own: its lines have stream keys', () => {
    const logger = createRequire(import.meta.url)('node-media-server/src/core/logger.js') as Record<
      'info' | 'error',
      (text: string) => void
    >;
    const written: unknown[] = [];
    const { write } = process.stdout;
    process.stdout.write = ((text: unknown) => written.push(text) > 0) as typeof write;
    try {
      logger.info('sk_1');
      logger.error('sk_1');
    } finally {
      process.stdout.write = write;
    }
    expect(written).toEqual([]);
  });
});
