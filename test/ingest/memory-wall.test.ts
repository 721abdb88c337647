import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freePort } from '../../tools/launcher/ports/ports.js';
import { until } from '../support/until.js';
import { amf } from './raw-encoder.js';

const ENTRY = fileURLToPath(new URL('../../dist/ingest/main.js', import.meta.url));
const MIB = 1024 * 1024;
/** As many as an ingest takes, a hundred from each of ten addresses. */
const CONNECTIONS = 1000;
const PER_ADDRESS = 100;
const LIMIT_MIB = 300;
const HANDSHAKE = Buffer.concat([Buffer.from([3]), Buffer.alloc(2 * 1536)]);
/** Below what an ingest takes as one message before it knows the key. */
const LARGE = 15_000;

let child: ChildProcess;
let folder: string;
let rtmpPort: number;
let control: string;
/** Takes connections and never answers: a Postgres that hangs. */
let hanging: Server;
const held: Socket[] = [];
const sockets: Socket[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-wall-'));
  hanging = createServer((socket) => void held.push(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
  await once(hanging, 'listening');
  const { port } = hanging.address() as { port: number };
  rtmpPort = await freePort();
  const controlPort = await freePort();
  control = `http://127.0.0.1:${controlPort}`;
  child = spawn(process.execPath, [ENTRY], {
    env: {
      PATH: process.env.PATH,
      HOLDFAST_DATA_DIR: folder,
      HOLDFAST_RTMP_PORT: String(rtmpPort),
      HOLDFAST_INGEST_CONTROL_PORT: String(controlPort),
      HOLDFAST_DATABASE_URL: `postgres://nobody@127.0.0.1:${port}/none`,
      HOLDFAST_TEMPORAL_ADDRESS: `127.0.0.1:${port}`,
      HOLDFAST_MASTER_KEY: randomBytes(32).toString('hex'),
    },
    stdio: 'ignore',
  });
  await until(
    () =>
      fetch(`${control}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    'the ingest to be up',
  );
});
afterEach(async () => {
  for (const socket of [...sockets.splice(0), ...held.splice(0)]) socket.destroy();
  child.kill('SIGKILL');
  await once(child, 'close');
  hanging.close();
  await rm(folder, { recursive: true, force: true });
});

const metrics = async (): Promise<string> => (await fetch(`${control}/metrics`)).text();
const metric = (text: string, name: string): number => Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (.+)$`, 'm').exec(text)?.[1]);

const message = (chunkStream: number, type: number, length: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from([chunkStream, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255, type, 0, 0, 0, 0]), payload]);
const chunkSize = (bytes: number): Buffer => {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(bytes);
  return message(2, 1, 4, size);
};
const command = (...values: Parameters<typeof amf>[0][]): Buffer => {
  const payload = Buffer.concat(values.map(amf));
  return message(3, 20, payload.length, payload);
};
/** The first byte of messages that never come, each on a chunk stream of its own. */
const announced = (count: number, length: number): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_value, index) => message(3 + index, 20, length, Buffer.alloc(1))));
const ADDRESS = { app: 'live', tcUrl: 'rtmp://127.0.0.1/live' };
const app = (name: string): Buffer => command('connect', 1, { ...ADDRESS, app: name });
const wideObject = (): Record<string, number> =>
  Object.fromEntries(Array.from({ length: LARGE / 16 }, (_value, index) => [`${1000 + index}`, index]));

/** Bytes of memory as the system counts it, and as Node does: what is allocated and not written to yet counts here alone. */
const memoryOf = (text: string): number =>
  Math.max(
    metric(text, 'process_resident_memory_bytes'),
    metric(text, 'nodejs_heap_size_used_bytes') + metric(text, 'nodejs_external_memory_bytes'),
  );
/** On a slow machine the first have been told to go when the last have come. */
const open = (text: string): number => metric(text, 'holdfast_ingest_connections') + refused(text);
const wrong = (text: string): number => metric(text, 'holdfast_ingest_protocol_errors_total');
const refused = (text: string): number =>
  [...text.matchAll(/^holdfast_ingest_refusals_total\{.*\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);

const ATTACKS: [string, Buffer, (text: string) => number][] = [
  ['announces the largest messages, on as many chunk streams as there may be', Buffer.concat([chunkSize(1), announced(60, 65_535)]), wrong],
  ['announces as much as it may', Buffer.concat([chunkSize(1), announced(2, LARGE)]), open],
  ['says long things', Buffer.concat([chunkSize(65_536), app('x'.repeat(LARGE))]), open],
  ['says many things at once', Buffer.concat([chunkSize(65_536), command('connect', 1, { ...wideObject(), ...ADDRESS })]), open],
  [
    'sends a keyframe behind a publish command that nobody answers',
    Buffer.concat([
      chunkSize(65_536),
      app('live'),
      command('publish', 2, null, 'sk_none', 'live'),
      message(6, 9, 8 * MIB, Buffer.alloc(MIB / 4)),
    ]),
    refused,
  ],
];

it.each(ATTACKS)('a thousand connections without a key leave the ingest small: each %s', async (_name, attack, count) => {
  const bytes = Buffer.concat([HANDSHAKE, attack]);
  for (let address = 2; sockets.length < CONNECTIONS; address += 1) {
    const opened = Array.from({ length: PER_ADDRESS }, () =>
      connect({ port: rtmpPort, host: '127.0.0.1', localAddress: `127.0.0.${address}` }),
    );
    sockets.push(...opened);
    const connected = opened.map((socket) => once(socket, 'connect'));
    for (const socket of opened)
      socket
        .on('error', () => undefined)
        .pause()
        .write(bytes);
    await Promise.all(connected);
  }
  let largest = 0;
  const look = async (): Promise<string> => {
    const text = await metrics();
    largest = Math.max(largest, memoryOf(text));
    return text;
  };
  await until(async () => count(await look()) >= CONNECTIONS, 'every connection to have said its part');
  for (let again = 0; again < 5; again += 1) await look();
  expect(largest / MIB).toBeLessThan(LIMIT_MIB);
  expect((await fetch(`${control}/healthz`)).ok).toBe(true);
});
