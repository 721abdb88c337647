import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { mutate } from '../../tools/fuzz/mutate.js';
import { Random } from '../../tools/fuzz/random.js';
import { childBoxes } from '../../origin/fmp4/child-boxes.js';
import { until } from '../support/until.js';
import { AUDIO, encode, TestOrigin, video } from './support.js';

const renditions = [video(120), AUDIO];
const SEED = 20_250_101;
const ROUNDS = 60;

let recorded: Record<string, Buffer>;
let origin: TestOrigin;

/** What a real encoder writes into the sockets of its renditions. */
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-record-'));
  const sockets: Record<string, string> = {};
  const taken = renditions.map(async ({ id }): Promise<[string, Buffer]> => {
    const path = (sockets[id] = join(folder, id));
    const server = createServer().listen(path);
    const [socket] = (await once(server, 'connection')) as [AsyncIterable<Buffer>];
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk);
    server.close();
    return [id, Buffer.concat(chunks)];
  });
  encode({ sockets, renditions, seconds: 5 });
  recorded = Object.fromEntries(await Promise.all(taken));
  await rm(folder, { recursive: true });
});

beforeEach(async () => {
  origin = await TestOrigin.start();
});
afterEach(async () => origin.close());

/** Writes it all and waits until the origin has closed the socket or taken everything. */
async function send(path: string, bytes: Buffer): Promise<void> {
  const socket = connect(path);
  // The origin closes what it refuses while bytes are still on their way.
  socket.on('error', () => undefined);
  socket.end(bytes);
  await new Promise((resolve) => socket.resume().once('close', resolve));
}

async function sendAll(sockets: Record<string, string>, outputs: Record<string, Buffer>): Promise<void> {
  await Promise.all(Object.entries(sockets).map(([id, path]) => send(path, outputs[id]!)));
}

/** The n-th fragment's box of that type, with its bytes given to `change`. */
function changed(type: 'tfdt' | 'trun' | 'tfhd', fragment: number, change: (body: Buffer) => void): Record<string, Buffer> {
  const bytes = Buffer.from(recorded['120p']!);
  let at = 0;
  let seen = 0;
  while (at < bytes.length) {
    const size = bytes.readUInt32BE(at);
    if (bytes.toString('latin1', at + 4, at + 8) === 'moof' && seen++ === fragment) {
      const traf = childBoxes(bytes.subarray(at + 8, at + size)).find((box) => box.type === 'traf')!;
      change(childBoxes(traf.body).find((box) => box.type === type)!.body);
    }
    at += size;
  }
  return { ...recorded, '120p': bytes };
}

const VIDEO_TICKS = 15_360;
const DAY_SECONDS = 86_400;
const shiftTime = (ticks: number) => (tfdt: Buffer) => void tfdt.writeBigUInt64BE(tfdt.readBigUInt64BE(4) + BigInt(ticks), 4);

const LIES: [string, () => Record<string, Buffer>][] = [
  ['a time that jumps a day forward', () => changed('tfdt', 70, shiftTime(DAY_SECONDS * VIDEO_TICKS))],
  ['a time of thousands of years', () => changed('tfdt', 70, (tfdt) => void tfdt.writeBigUInt64BE(2n ** 52n, 4))],
  ['a time that is no safe number', () => changed('tfdt', 70, (tfdt) => void tfdt.writeBigUInt64BE(2n ** 63n, 4))],
  ['a time that steps back', () => changed('tfdt', 70, (tfdt) => void tfdt.writeBigUInt64BE(0n, 4))],
  ['more samples than there are', () => changed('trun', 70, (trun) => void trun.writeUInt32BE(200, 4))],
  ['samples without number', () => changed('trun', 70, (trun) => void trun.writeUInt32BE(0xffffffff, 4))],
  ['no samples in a box that has some', () => changed('trun', 70, (trun) => void trun.writeUInt32BE(0, 4))],
  ['data that begins elsewhere', () => changed('trun', 70, (trun) => void trun.writeUInt32BE(0x7fffffff, 8))],
  ['another track', () => changed('tfhd', 70, (tfhd) => void tfhd.writeUInt32BE(9, 4))],
  ['a second header in the middle', () => ({ ...recorded, '120p': Buffer.concat([recorded['120p']!, recorded['120p']!]) })],
  ['sound where the picture should be', () => ({ '120p': recorded['audio']!, audio: recorded['audio']! })],
];

describe.each(['low', 'standard'] as const)('with %s latency an encoder that lies ends its own run and nothing else:', (latency) => {
  test.each(LIES)('%s', async (_name, lie) => {
    await origin.open('honest', { playbackId: 'honest', latency });
    await origin.open('lying', { playbackId: 'lying', latency });
    await sendAll(await origin.startEncode('lying', 1, renditions), lie());
    await until(async () => (await origin.status('lying')).renditions.every(({ connected }) => !connected), 'the run to be over');
    expect(origin.logLines.filter((line) => /encoder output refused|cannot be listed/.test(line)).length).toBeGreaterThan(0);

    await sendAll(await origin.startEncode('honest', 1, renditions), recorded);
    await sendAll(await origin.startEncode('lying', 2, renditions), recorded);
    for (const id of ['honest', 'lying']) {
      const { body } = await origin.control<{ durationSeconds: number; playable: boolean }>('POST', `/broadcasts/${id}/end`);
      expect(body.playable).toBe(true);
      expect(body.durationSeconds).toBeGreaterThanOrEqual(4.9);
      expect(body.durationSeconds).toBeLessThan(60);
    }
    expect(origin.logLines.filter((line) => line.includes('"level":50') && !/cannot be listed/.test(line))).toEqual([]);
  });

  test('anything a damaged encoder could write, many times', async () => {
    const random = new Random(SEED);
    await origin.open('damaged', { playbackId: 'damaged', latency });
    for (let epoch = 1; epoch <= ROUNDS; epoch += 1) {
      const sockets = await origin.startEncode('damaged', epoch, renditions);
      await sendAll(sockets, { ...recorded, [random.pick(['120p', 'audio'])]: mutate(recorded[random.pick(['120p', 'audio'])]!, random) });
    }
    await sendAll(await origin.startEncode('damaged', ROUNDS + 1, renditions), recorded);
    const { body } = await origin.control<{ playable: boolean }>('POST', '/broadcasts/damaged/end');
    expect(body.playable).toBe(true);
    expect(origin.logLines.filter((line) => line.includes('"err"'))).toEqual([]);
    expect(await origin.text('/damaged/index.m3u8')).toContain('#EXTM3U');
  });
});
