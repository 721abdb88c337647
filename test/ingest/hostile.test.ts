import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../support/until.js';
import { amf, RawEncoder } from './raw-encoder.js';
import { closedByPeer, decodeRelay, nextStart, publish, rawConnection, startTestIngest, type TestIngest } from './support.js';

const KEY = 'sk_under_attack';
/** Chunk header of a message on chunk stream 3 with the given length and type. */
const chunk = (length: number, type: number): Buffer =>
  Buffer.from([3, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255, type, 0, 0, 0, 0]);

/** Strict arrays of one strict array each. */
const nested = (depth: number): Buffer => Buffer.alloc(depth * 5, Buffer.from([10, 0, 0, 0, 1]));

let ingest: TestIngest;
afterEach(async () => ingest.close());

async function metric(name: string): Promise<number> {
  const text = await (await ingest.get('/metrics')).text();
  const lines = text.split('\n').filter((line) => line.startsWith(name));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

describe('malformed bytes end their own connection and nothing else', () => {
  const SHAKEN: [string, (encoder: RawEncoder) => void][] = [
    ['a message of 16 MiB before any publish', ({ socket }) => socket.write(Buffer.concat([chunk(0xffffff, 20), Buffer.alloc(1)]))],
    ['a chunk size of zero', (encoder) => encoder.setChunkSize(0)],
    ['a chunk size with the forbidden bit', (encoder) => encoder.setChunkSize(0x80000000)],
    ['a chunk size without its number', (encoder) => encoder.message(1, 0, Buffer.alloc(1))],
    [
      'a message of 9 MiB that is no media, behind a publish',
      (encoder) => {
        encoder.publish(KEY);
        encoder.socket.write(Buffer.concat([chunk(9 * 1024 * 1024, 18), Buffer.alloc(1)]));
      },
    ],
    [
      'a list of four thousand million',
      (encoder) => encoder.message(20, 0, Buffer.concat([amf('connect'), Buffer.from([10, 255, 255, 255, 255, 5])])),
    ],
    ['a value of an unknown type', (encoder) => encoder.message(20, 0, Buffer.concat([amf('connect'), Buffer.from([0x7e, 1, 2, 3])]))],
    [
      'an object without an end',
      (encoder) => encoder.message(20, 0, Buffer.concat([amf('connect'), amf(1), Buffer.from([3, 0, 1, 0x61, 3, 0, 1])])),
    ],
    ['connect without anything', (encoder) => encoder.command('connect', 1, null)],
    ['publish without a name', (encoder) => encoder.command('publish', 3, null)],
    [
      'a length that shrinks in the middle of a message',
      (encoder) => {
        encoder.setChunkSize(64);
        encoder.socket.write(Buffer.concat([chunk(1000, 18), Buffer.alloc(64), chunk(8, 18), Buffer.alloc(64)]));
      },
    ],
    ['a command cut off in a number', (encoder) => encoder.message(20, 0, Buffer.concat([amf('connect'), Buffer.from([0, 1])]))],
    ['a command nested ten thousand deep', (encoder) => encoder.message(20, 0, Buffer.concat([amf('connect'), nested(10_000)]))],
    [
      'a length that grows in the middle of a message',
      (encoder) => {
        encoder.setChunkSize(64);
        encoder.socket.write(Buffer.concat([chunk(128, 18), Buffer.alloc(64), chunk(60_000, 18), Buffer.alloc(64)]));
        for (let part = 0; part < 60_000 / 64; part += 1) encoder.socket.write(Buffer.concat([Buffer.from([0xc3]), Buffer.alloc(64)]));
      },
    ],
    [
      'more chunk streams than any encoder uses',
      ({ socket }) => {
        for (let id = 3; id < 64; id += 1) socket.write(Buffer.concat([Buffer.from([id]), chunk(1, 18).subarray(1), Buffer.alloc(1)]));
        for (let id = 0; id < 64; id += 1) socket.write(Buffer.concat([Buffer.from([0, id]), chunk(1, 18).subarray(1), Buffer.alloc(1)]));
      },
    ],
    ['a second publish command', (encoder) => [1, 2].forEach(() => encoder.publish(KEY))],
  ];

  it.each(SHAKEN)('%s', async (_name, say) => {
    ingest = await startTestIngest({ [KEY]: 'str_1' });
    const encoder = await RawEncoder.open(ingest);
    say(encoder);
    await encoder.closed();
    expect(await metric('holdfast_ingest_protocol_errors_total')).toBe(1);
    const next = await RawEncoder.open(ingest);
    next.command('connect', 1, { app: 'live', tcUrl: 'rtmp://127.0.0.1/live' });
    await next.hears('NetConnection.Connect.Success');
    next.socket.destroy();
  });

  it('an HTTP request, a TLS greeting and noise', async () => {
    ingest = await startTestIngest({ [KEY]: 'str_1' });
    for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.from([0x16, 3, 1, 2, 0]), Buffer.from([0xff, 0xfe])]) {
      const socket = await rawConnection(ingest);
      socket.write(bytes);
      await closedByPeer(socket);
    }
    expect(await metric('holdfast_ingest_protocol_errors_total')).toBe(3);
  });

  it('any bytes at all after the handshake', async () => {
    ingest = await startTestIngest({ [KEY]: 'str_1' }, { publishCommandMs: 500 });
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const encoder = await RawEncoder.open(ingest);
      encoder.socket.write(randomBytes(20_000));
      await encoder.closed();
    }
    expect((await ingest.get('/healthz')).status).toBe(200);
  });
});

it('a flood of bad connections leaves a live publisher untouched, and its lines are counted, not repeated', async () => {
  ingest = await startTestIngest({ [KEY]: 'str_1' }, { handshakeMs: 300 });
  const live = publish(ingest.rtmpUrl(KEY), { seconds: 4 });
  const { publishId } = await nextStart(ingest);
  const decoded = decodeRelay(ingest, publishId);
  const before = ingest.logged.length;
  for (let round = 0; round < 5; round += 1) {
    const sockets = await Promise.all(Array.from({ length: 40 }, () => rawConnection(ingest)));
    for (const [index, socket] of sockets.entries()) {
      socket.write(index % 2 === 0 ? randomBytes(5000) : Buffer.concat([Buffer.from([3]), randomBytes(100)]));
    }
    await Promise.all(sockets.map((socket) => closedByPeer(socket)));
  }
  expect(ingest.logged.length - before).toBeLessThan(50);
  expect(await live.exited).toBe(0);
  expect(await decoded).toMatchObject({ video: 4 * 30, complaints: '' });
});

it('idle connections from many addresses fill the house: further ones are closed at once, and a live publisher is untouched', async () => {
  ingest = await startTestIngest({ [KEY]: 'str_1' }, { connections: 1000, connectionsPerAddress: 100 });
  const live = publish(ingest.rtmpUrl(KEY), { seconds: 4 });
  const { publishId } = await nextStart(ingest);
  const decoded = decodeRelay(ingest, publishId);
  const idle: Socket[] = [];
  for (let address = 2; address <= 11; address += 1) {
    idle.push(...(await Promise.all(Array.from({ length: 100 }, () => rawConnection(ingest, `127.0.0.${address}`)))));
  }
  await until(
    async () => (await metric('holdfast_ingest_refusals_total{code="too_many_connections"')) === 1,
    'the thousandth to be turned away',
  );
  await closedByPeer(await rawConnection(ingest, '127.0.0.20'));
  expect(await live.exited).toBe(0);
  expect(await decoded).toMatchObject({ video: 4 * 30, complaints: '' });
  for (const socket of idle) socket.destroy();
  await until(async () => (await metric('holdfast_ingest_connections')) === 0, 'the connections to be gone');
});

describe('a connection that does not get on is ended:', () => {
  it('no handshake', async () => {
    ingest = await startTestIngest({ [KEY]: 'str_1' }, { handshakeMs: 200 });
    await closedByPeer(await rawConnection(ingest));
    expect(await metric('holdfast_ingest_refusals_total{code="handshake_timeout"')).toBe(1);
  });

  it('a handshake that comes byte by byte', async () => {
    ingest = await startTestIngest({ [KEY]: 'str_1' }, { handshakeMs: 400 });
    const socket = await rawConnection(ingest);
    const drip = setInterval(() => socket.write(Buffer.from([3])), 20);
    await closedByPeer(socket);
    clearInterval(drip);
    expect(await metric('holdfast_ingest_refusals_total{code="handshake_timeout"')).toBe(1);
  });

  it('no publish command, however much else is said', async () => {
    ingest = await startTestIngest({ [KEY]: 'str_1' }, { publishCommandMs: 400 });
    const encoder = await RawEncoder.open(ingest);
    const chatter = setInterval(() => encoder.command('connect', 1, { app: 'live', tcUrl: 'rtmp://127.0.0.1/live' }), 20);
    await encoder.closed();
    clearInterval(chatter);
    expect(await metric('holdfast_ingest_refusals_total{code="no_publish"')).toBe(1);
  });

  it('no publish command', async () => {
    ingest = await startTestIngest({ [KEY]: 'str_1' }, { publishCommandMs: 200 });
    const encoder = await RawEncoder.open(ingest);
    encoder.command('connect', 1, { app: 'live', tcUrl: 'rtmp://127.0.0.1/live' });
    await encoder.closed();
    expect(await metric('holdfast_ingest_refusals_total{code="no_publish"')).toBe(1);
  });

  it('no media, or only sequence headers; the stream is free again and no workflow was told', async () => {
    ingest = await startTestIngest({ [KEY]: 'str_1' }, { firstMediaMs: 300 });
    const encoder = await RawEncoder.open(ingest);
    encoder.publish(KEY);
    await encoder.hears('NetStream.Publish.Start');
    encoder.message(8, 0, Buffer.from([0xaf, 0, 0x11, 0x90]));
    await encoder.hears('sent no media in time');
    await encoder.closed();
    await until(() => ingest.claims.released.length === 1, 'the stream to be free');
    expect(ingest.signals.started).toEqual([]);
    expect(ingest.signals.stopped).toEqual([]);
  });

  it('a frozen encoder, whose workflow is told that it is silent', async () => {
    ingest = await startTestIngest({ [KEY]: 'str_1' }, { silentMs: 600 });
    const encoder = publish(ingest.rtmpUrl(KEY), { seconds: 60 });
    const { publishId } = await nextStart(ingest);
    const decoded = decodeRelay(ingest, publishId);
    encoder.child.kill('SIGSTOP');
    await until(() => ingest.signals.stopped.length > 0, 'the silence to be noticed');
    expect(ingest.signals.stopped).toMatchObject([{ publishId, reason: 'silent' }]);
    expect((await decoded).video).toBeGreaterThan(0);
    encoder.child.kill('SIGKILL');
    await encoder.exited;
  });

  it('more connections than one address may have', async () => {
    ingest = await startTestIngest({ [KEY]: 'str_1' }, { connectionsPerAddress: 3 });
    const kept = await Promise.all([0, 1, 2].map(() => RawEncoder.open(ingest)));
    await closedByPeer(await rawConnection(ingest));
    expect(kept.every(({ socket }) => !socket.destroyed)).toBe(true);
    for (const { socket } of kept) socket.destroy();
    await until(async () => (await metric('holdfast_ingest_connections')) === 0, 'the connections to be gone');
    (await RawEncoder.open(ingest)).socket.destroy();
  });
});
