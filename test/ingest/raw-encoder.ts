import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { until } from '../support/until.js';
import { rawConnection, type TestIngest } from './support.js';

const HANDSHAKE_BYTES = 1536;
/** Larger than any message here, so that each fits into one chunk. */
const CHUNK_BYTES = 60_000;

/** Bytes stand for themselves: values that commands rarely have. */
export type Amf = string | number | boolean | null | Buffer | { [field: string]: Amf };

const shortText = (text: string): Buffer => {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(Buffer.byteLength(text));
  return Buffer.concat([length, Buffer.from(text)]);
};

/** AMF0, as far as commands need it. */
export function amf(value: Amf): Buffer {
  if (value === null) return Buffer.from([5]);
  if (Buffer.isBuffer(value)) return value;
  if (typeof value === 'boolean') return Buffer.from([1, Number(value)]);
  if (typeof value === 'string') return Buffer.concat([Buffer.from([2]), shortText(value)]);
  if (typeof value === 'number') {
    const number = Buffer.alloc(9);
    number.writeDoubleBE(value, 1);
    return number;
  }
  const fields = Object.entries(value).flatMap(([name, field]) => [shortText(name), amf(field)]);
  return Buffer.concat([Buffer.from([3]), ...fields, Buffer.from([0, 0, 9])]);
}

/** An encoder that says exactly what a test wants, byte by byte. */
export class RawEncoder {
  readonly socket: Socket;
  #received = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (data) => {
      this.#received = Buffer.concat([this.#received, data]);
    });
  }

  /** Connected, shaken hands, with large chunks announced. */
  static async open(ingest: TestIngest): Promise<RawEncoder> {
    const encoder = new RawEncoder(await rawConnection(ingest));
    encoder.socket.write(Buffer.concat([Buffer.from([3]), Buffer.alloc(8), randomBytes(HANDSHAKE_BYTES - 8)]));
    await until(() => encoder.#received.length >= 1 + 2 * HANDSHAKE_BYTES, 'the handshake');
    encoder.socket.write(encoder.#received.subarray(1, 1 + HANDSHAKE_BYTES));
    encoder.setChunkSize(CHUNK_BYTES);
    return encoder;
  }

  /** The messages the ingest has said, each of which fits into one chunk behind `connect`. */
  get messages(): { type: number; streamId: number; payload: Buffer }[] {
    const said: { type: number; streamId: number; payload: Buffer }[] = [];
    const bytes = this.#received.subarray(1 + 2 * HANDSHAKE_BYTES);
    for (let at = 0; at + 12 <= bytes.length;) {
      const end = at + 12 + bytes.readUIntBE(at + 4, 3);
      said.push({ type: bytes.readUInt8(at + 7), streamId: bytes.readUInt32LE(at + 8), payload: bytes.subarray(at + 12, end) });
      at = end;
    }
    return said;
  }

  /** Everything the ingest has said, as text. */
  get heard(): string {
    return this.#received.toString('latin1');
  }

  /** One message in one chunk. `announced` lies about its length. */
  message(type: number, timestampMs: number, payload: Buffer, announced = payload.length): void {
    // Times from 0xffffff on go into an extended timestamp behind the header (RTMP 5.3.1.3).
    const extended = timestampMs >= 0xffffff;
    const header = Buffer.alloc(extended ? 16 : 12);
    if (extended) header.writeUInt32BE(timestampMs % 2 ** 32, 12);
    header[0] = type === 8 ? 4 : type === 9 ? 6 : 3;
    header.writeUIntBE(extended ? 0xffffff : timestampMs, 1, 3);
    header.writeUIntBE(announced, 4, 3);
    header[7] = type;
    header.writeUInt32LE(type === 20 ? 0 : 1, 8);
    this.socket.write(Buffer.concat([header, payload]));
  }

  setChunkSize(bytes: number): void {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(bytes);
    this.message(1, 0, size);
  }

  command(...values: Amf[]): void {
    this.message(20, 0, Buffer.concat(values.map(amf)));
  }

  /** Up to the publish command. */
  publish(streamKey: string, app = 'live'): void {
    this.command('connect', 1, { app, tcUrl: `rtmp://127.0.0.1/${app}` });
    this.command('createStream', 2, null);
    this.command('publish', 3, null, streamKey, 'live');
  }

  play(streamKey: string): void {
    this.command('connect', 1, { app: 'live', tcUrl: 'rtmp://127.0.0.1/live' });
    this.command('createStream', 2, null);
    this.command('play', 3, null, streamKey);
  }

  async hears(text: string): Promise<void> {
    await until(() => this.heard.includes(text), `the ingest to say ${text}`);
  }

  /** Resolves when the ingest has closed the connection. */
  async closed(): Promise<void> {
    await until(() => this.socket.destroyed, 'the ingest to close the connection');
  }
}
