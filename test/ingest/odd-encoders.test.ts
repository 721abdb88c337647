import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { AmfBytes, type AmfValue } from '../../ingest/rtmp/amf-bytes.js';
import { readAmf0 } from '../../ingest/rtmp/amf0.js';
import { RtmpConnection, SOCKET_OPTIONS } from '../../ingest/rtmp/rtmp-connection.js';
import { until } from '../support/until.js';
import { type Amf, amf, RawEncoder } from './raw-encoder.js';
import { rawConnection, startTestIngest, type TestIngest } from './support.js';

const KEY = 'sk_odd';
const COMMAND_AMF3 = 17;
const COMMAND = 20;
const USER_CONTROL = 4;
const ADDRESS = { app: 'live', tcUrl: 'rtmp://127.0.0.1/live' };

let ingest: TestIngest;
afterEach(async () => ingest.close());

async function open(): Promise<RawEncoder> {
  ingest = await startTestIngest({ [KEY]: 'str_1' });
  return RawEncoder.open(ingest);
}

async function connected(): Promise<RawEncoder> {
  const encoder = await open();
  encoder.command('connect', 1, ADDRESS);
  await encoder.hears('NetConnection.Connect.Success');
  return encoder;
}

async function published(): Promise<RawEncoder> {
  const encoder = await open();
  encoder.publish(KEY);
  await encoder.hears('NetStream.Publish.Start');
  return encoder;
}

/** The commands the ingest has said, each as its values. */
const commandsOf = (encoder: RawEncoder): AmfValue[][] =>
  encoder.messages
    .filter(({ type }) => type === COMMAND)
    .map(({ payload }) => {
      const bytes = new AmfBytes(payload);
      const values: AmfValue[] = [];
      while (bytes.left > 0) values.push(readAmf0(bytes));
      return values;
    });

/** What was said in answer to this transaction. */
const answer = async (encoder: RawEncoder, transactionId: number): Promise<AmfValue[]> =>
  until(() => commandsOf(encoder).find(([, id]) => id === transactionId), `an answer to ${transactionId}`);

describe('whoever asks gets an answer', () => {
  it.each<[string, Amf[], AmfValue]>([
    ['releaseStream', [null, KEY], undefined],
    ['FCPublish', [null, KEY], undefined],
    ['FCUnpublish', [null, KEY], undefined],
    ['_checkbw', [null], undefined],
    ['getStreamLength', [null, KEY], 0],
    ['getMovLen', [null, KEY], 0],
    ['somethingOfAVendor', [{ odd: 1 }, 'x', 2], undefined],
    ['somethingUnreadable', [Buffer.from([0x7e, 1])], undefined],
  ])('%s', async (name, values, result) => {
    const encoder = await connected();
    encoder.command(name, 7, ...values);
    expect(await answer(encoder, 7)).toEqual(['_result', 7, null, result]);
    encoder.socket.destroy();
  });

  it.each([
    ['FCPublish', 'onFCPublish', 'NetStream.Publish.Start'],
    ['FCUnpublish', 'onFCUnpublish', 'NetStream.Unpublish.Success'],
  ])('%s is told %s before its result', async (name, notice, code) => {
    const encoder = await connected();
    encoder.command(name, 7, null, KEY);
    await answer(encoder, 7);
    const [told, result] = commandsOf(encoder).slice(-2);
    expect(told).toMatchObject([notice, 0, null, { level: 'status', code }]);
    expect(result?.[0]).toBe('_result');
    encoder.socket.destroy();
  });

  it('but answers are not answered, nor what awaits none, nor more than a handshake asks for by one without a key', async () => {
    const encoder = await connected();
    for (const name of ['_result', '_error', 'onBWDone', 'onStatus']) encoder.command(name, 7, null);
    encoder.command('awaitsNone', 0, null);
    for (let asked = 0; asked < 1000; asked += 1) encoder.command('floods', 8, null);
    encoder.command('createStream', 9, null);
    expect(await answer(encoder, 9)).toEqual(['_result', 9, null, 1]);
    const answers = commandsOf(encoder).slice(1, -1);
    expect(answers).toHaveLength(64);
    expect(answers.every(([name, id]) => name === '_result' && id === 8)).toBe(true);
    encoder.socket.destroy();
  });

  it('a ping is answered with its own time', async () => {
    const encoder = await connected();
    encoder.message(USER_CONTROL, 0, Buffer.from([0, 6, 0x12, 0x34, 0x56, 0x78]));
    const pong = await until(() => encoder.messages.find(({ type }) => type === USER_CONTROL), 'the pong');
    expect(pong.payload.toString('hex')).toBe('000712345678');
    encoder.socket.destroy();
  });

  it('nothing is said to one that has not shaken hands', async () => {
    ingest = await startTestIngest({ [KEY]: 'str_1' }, { handshakeMs: 200 });
    const encoder = new RawEncoder(await rawConnection(ingest));
    encoder.socket.write(Buffer.concat([Buffer.from([3]), Buffer.alloc(100), amf('FCPublish')]));
    await encoder.closed();
    expect(encoder.heard).toBe('');
  });
});

describe('connect is accepted', () => {
  const AMF3_OBJECT = Buffer.from([0x11, 0x0a, 0x0b, 1, 3, 0x61, 4, 1, 1]);
  it.each<[string, Amf]>([
    ['without an address', { app: 'live' }],
    ['with an address that is none', { app: 'live', tcUrl: 'no address' }],
    ['with an address that is no text', { app: 'live', tcUrl: 7 }],
    ['with an address and no application', { tcUrl: 'rtmp://127.0.0.1:1935/live' }],
    ['with null for everything optional', { app: 'live', tcUrl: null, swfUrl: null, pageUrl: null, objectEncoding: null, flashVer: null }],
    ['with AMF3 null in it', { ...ADDRESS, extra: Buffer.from([0x11, 1]) }],
    ['with an AMF3 object in it, before the rest', { extra: AMF3_OBJECT, ...ADDRESS }],
    ['as an AMF3 object altogether', Buffer.from(`110a0b01${'0761707006096c697665'}01`, 'hex')],
  ])('%s, and its publish is', async (_name, said) => {
    const encoder = await open();
    encoder.command('connect', 1, said);
    encoder.command('createStream', 2, null);
    encoder.command('publish', 3, null, KEY, 'live');
    await encoder.hears('NetStream.Publish.Start');
    expect(ingest.claims.claimed).toMatchObject([{ streamKey: KEY }]);
    encoder.socket.destroy();
  });

  it.each([
    ['with the byte before it', Buffer.from([0])],
    ['without', Buffer.alloc(0)],
  ])('in AMF3 messages, %s, and so is all that follows', async (_name, selector) => {
    const encoder = await open();
    const say = (...values: Amf[]) => encoder.message(COMMAND_AMF3, 0, Buffer.concat([selector, ...values.map(amf)]));
    say('connect', 1, { ...ADDRESS, objectEncoding: 3 });
    say('createStream', 2, null);
    say('publish', 3, null, Buffer.concat([Buffer.from([0x11, 6, KEY.length * 2 + 1]), Buffer.from(KEY)]), 'live');
    await encoder.hears('NetStream.Publish.Start');
    expect(commandsOf(encoder)[0]?.[3]).toMatchObject({ objectEncoding: 3 });
    encoder.socket.destroy();
  });
});

describe('an encoder that stops is answered, and closes first:', () => {
  it.each<[string, Amf[]]>([
    ['deleteStream', ['deleteStream', 0, null, 1]],
    ['closeStream', ['closeStream', 0, null]],
    ['FCUnpublish', ['FCUnpublish', 6, null, KEY]],
    ['publish(false)', ['publish', 0, null, false]],
  ])('%s', async (_name, command) => {
    const encoder = await published();
    encoder.command(...command);
    await encoder.hears('onStatus');
    const told = await until(
      () => commandsOf(encoder).find(([name, , , info]) => name === 'onStatus' && JSON.stringify(info).includes('Unpublish')),
      'the end to be told',
    );
    expect(told[3]).toMatchObject({ level: 'status', code: 'NetStream.Unpublish.Success' });
    await until(() => ingest.claims.released.length === 1, 'the stream to be free');
    // The stream is free, and the connection is still the encoder's: what it says more is answered.
    encoder.command('anything', 9, null);
    expect(await answer(encoder, 9)).toEqual(['_result', 9, null, undefined]);
    expect(encoder.socket.destroyed).toBe(false);
    encoder.socket.end();
    await encoder.closed();
    const lines = ingest.logged.map((line) => JSON.parse(line) as { msg: string; reason?: string });
    expect(lines.filter(({ msg }) => msg === 'publisher stopped')).toMatchObject([{ reason: 'closed' }]);
    expect(lines.some(({ msg }) => msg.includes('not valid RTMP'))).toBe(false);
  });

  it('one that does not close is closed', async () => {
    const encoder = await published();
    encoder.command('FCUnpublish', 6, null, KEY);
    encoder.command('deleteStream', 7, null, 1);
    await encoder.closed();
    expect(ingest.logged.join('')).not.toContain('not valid RTMP');
  });

  it('its media is nobody’s any more, and another publish needs another connection', async () => {
    const encoder = await published();
    encoder.command('deleteStream', 7, null, 1);
    encoder.message(9, 0, Buffer.alloc(1000));
    encoder.command('publish', 8, null, KEY, 'live');
    await encoder.hears('to publish again, connect again');
    await encoder.closed();
    expect(ingest.claims.claimed).toHaveLength(1);
  });

  it('what has not begun is not ended', async () => {
    const encoder = await connected();
    encoder.command('FCUnpublish', 2, null, KEY);
    encoder.command('deleteStream', 3, null, 1);
    encoder.command('publish', 4, null, KEY, 'live');
    await encoder.hears('NetStream.Publish.Start');
    encoder.socket.destroy();
  });
});

it.each([
  ['behind connect', true],
  ['before connect, when chunks are small yet', false],
])('the whole reason of a refusal arrives, %s', async (_name, connects) => {
  const encoder = await open();
  if (connects) encoder.command('connect', 1, { ...ADDRESS, app: 'wrong' });
  encoder.command('publish', 3, null, KEY, 'live');
  await encoder.closed();
  const words = 'Publish to the application "live": rtmp://…/live/<stream key>.';
  if (connects) expect(commandsOf(encoder).at(-1)?.[3]).toMatchObject({ code: 'NetStream.Publish.BadName', description: words });
  // 128 bytes, then the header of the next chunk.
  else expect(encoder.messages[0]?.payload.readUInt8(128)).toBe(0xc3);
});

it.each([`/${KEY}`, ` ${KEY}\n`, `live/${KEY}`, `rtmp://127.0.0.1/live/${KEY}`])('%j is published as the key in it', async (name) => {
  const encoder = await open();
  encoder.publish(name);
  await encoder.hears('NetStream.Publish.Start');
  expect(ingest.claims.claimed).toMatchObject([{ streamKey: KEY }]);
  encoder.socket.destroy();
});

/** Sends these messages behind a publish, and gives what media they have become. */
async function mediaOf(messages: Buffer[], count: number) {
  ingest = await startTestIngest({});
  const server = createServer(SOCKET_OPTIONS).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const encoder = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [socket] = (await once(server, 'connection')) as [Socket];
  const media: { type: number; timestampMs: number; payload: string }[] = [];
  const nothing = () => undefined;
  const connection: RtmpConnection = new RtmpConnection(socket, {
    publish: () => connection.accept(),
    media: (type, timestampMs, payload) => void media.push({ type, timestampMs, payload: payload.toString('latin1') }),
    ended: nothing,
    protocolError: nothing,
    closed: nothing,
  });
  const publish = message(COMMAND, Buffer.concat(['publish', 3, null, KEY].map(amf)));
  encoder.write(Buffer.concat([Buffer.from([3]), Buffer.alloc(2 * 1536), publish, ...messages]));
  await until(() => media.length >= count, 'the media');
  encoder.destroy();
  // What it had not read of our answers makes its end a reset.
  await until(() => socket.closed, 'its end');
  server.close();
  return media;
}
const message = (type: number, payload: Buffer, timestampMs = 0): Buffer => {
  const header = Buffer.from([3, 0, 0, timestampMs, 0, 0, payload.length, type, 0, 0, 0, 0]);
  return Buffer.concat([header, payload]);
};

it('data in AMF3 messages is data like any other', async () => {
  expect(await mediaOf([message(15, Buffer.from('\0data'))], 1)).toEqual([{ type: 18, timestampMs: 0, payload: 'data' }]);
});

it('an aggregate is the messages in it, on its own clock', async () => {
  const tag = (type: number, timeMs: number, text: string): Buffer =>
    Buffer.concat([Buffer.from([type, 0, 0, text.length, 0, 0, timeMs, 0, 0, 0, 0]), Buffer.from(text), Buffer.alloc(4)]);
  const whole = Buffer.concat([tag(8, 200, 'sound'), tag(9, 220, 'picture'), tag(18, 221, 'data')]);
  const cutOff = Buffer.concat([tag(8, 5, 'more'), tag(9, 9, 'lost').subarray(0, 13)]);
  expect(await mediaOf([message(22, whole, 50), message(22, cutOff, 90), message(8, Buffer.from('last'), 99)], 5)).toEqual([
    { type: 8, timestampMs: 50, payload: 'sound' },
    { type: 9, timestampMs: 70, payload: 'picture' },
    { type: 18, timestampMs: 71, payload: 'data' },
    { type: 8, timestampMs: 90, payload: 'more' },
    { type: 8, timestampMs: 99, payload: 'last' },
  ]);
});
