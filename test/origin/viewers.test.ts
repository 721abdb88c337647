import { createServer, connect, type Server, type Socket } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { follow, parseLive } from '../../tools/bench/playlist-follower.js';
import { HoldfastError } from '../../domain/errors.js';
import { createRegistry } from '../../platform/ops/ops-server.js';
import { parseTarget } from '../../origin/http/playback-target.js';
import { OriginLink } from '../../origin/viewers/origin-link.js';
import { keepMs, SharedAnswers } from '../../origin/viewers/shared-answers.js';
import { questionOf } from '../../origin/viewers/shared-lane.js';
import { startViewerServer, type ViewerServer } from '../../origin/viewers/viewer-server.js';
import { until } from '../support/until.js';
import { parseMedia } from './playlist-check.js';
import { AUDIO, encode, exited, TestOrigin, video } from './support.js';

describe('a live broadcast from a viewer process', () => {
  const renditions = [video(120), AUDIO];
  const FIRST_GOP_SECONDS = 0.4;
  let origin: TestOrigin;
  let encoder: ReturnType<typeof encode>;
  beforeEach(async () => {
    origin = await TestOrigin.start({ viewerProcess: true });
    await origin.open('b', { latency: 'low' });
    const sockets = await origin.startEncode('b', 1, renditions, 2, { firstGopSeconds: FIRST_GOP_SECONDS });
    encoder = encode({ sockets, renditions, seconds: 300, realTime: true, firstGopSeconds: FIRST_GOP_SECONDS });
    await until(async () => (await origin.status('b')).playable, 'something to play');
  });
  afterEach(async () => {
    encoder.kill('SIGKILL');
    await exited(encoder);
    await origin.close();
  });

  test('keeps every rule of low latency, and ends', async () => {
    const playlists = Object.fromEntries(renditions.map(({ id }) => [id, `${origin.playback}/play/b/${id}/index.m3u8`]));
    const following = follow({ playlists, until: () => false, onPlaylist: (_name, { text }) => void parseMedia(text) });
    await until(async () => (await origin.status('b')).durationSeconds >= 8, 'some segments');
    encoder.kill('SIGKILL');
    await exited(encoder);
    await origin.control('POST', '/broadcasts/b/end');
    for (const history of (await following).values()) {
      expect(history.findings).toEqual([]);
      expect(history.last!.ended).toBe(true);
      expect(history.partsSeen).toBeGreaterThan(15);
    }
  });

  test('costs the origin one request for all who wait for the same part and reload', async () => {
    const VIEWERS = 50;
    const path = '/play/b/120p/index.m3u8';
    const requests = (process: 'origin' | 'origin-viewers', kind: string): Promise<number> =>
      origin.metric('holdfast_origin_requests_total', process, `kind="${kind}"`);
    const { hint, segments } = parseLive(await origin.text(path));
    const open = segments.at(-1)!;
    const next = open.uri === null ? `_HLS_msn=${open.msn}&_HLS_part=${open.parts.length}` : `_HLS_msn=${open.msn + 1}&_HLS_part=0`;
    const before = [await requests('origin', 'playlist'), await requests('origin', 'part')];
    const ask = async (target: string): Promise<Buffer> => Buffer.from(await (await fetch(`${origin.playback}${target}`)).arrayBuffer());
    const [reloads, parts] = await Promise.all([
      Promise.all(Array.from({ length: VIEWERS }, (_viewer, index) => ask(`${path}?${next}&viewer=${index}`))),
      Promise.all(Array.from({ length: VIEWERS }, () => ask(`/play/b/120p/${hint}`))),
    ]);
    expect(reloads.every((text) => text.equals(reloads[0]!))).toBe(true);
    expect(reloads[0]!.toString()).toContain(`URI="${hint}"`);
    expect(parts.every((bytes) => bytes.length > 0 && bytes.equals(parts[0]!))).toBe(true);
    expect([await requests('origin', 'playlist'), await requests('origin', 'part')]).toEqual([before[0]! + 1, before[1]! + 1]);
    expect(await requests('origin-viewers', 'part')).toBe(VIEWERS);
  });
});

test('what a token opens is for its viewer alone', async () => {
  const origin = await TestOrigin.start({ viewerProcess: true });
  try {
    origin.verify = (token) =>
      token === 'good' ? Promise.resolve({ validUntil: Date.now() + 60_000 }) : Promise.reject(new HoldfastError('invalid_credentials'));
    const renditions = [video(120)];
    await origin.open('b', { playbackPolicy: 'signed' });
    await exited(encode({ sockets: await origin.startEncode('b', 1, renditions), renditions, seconds: 2 }));
    await origin.control('POST', '/broadcasts/b/end');
    const statusOf = async (query: string): Promise<number> => (await fetch(`${origin.playback}/play/b/120p/0.m4s${query}`)).status;
    expect([await statusOf('?token=good'), await statusOf('?token=bad'), await statusOf(''), await statusOf('?token=good')]).toEqual([
      200, 401, 401, 200,
    ]);
  } finally {
    await origin.close();
  }
});

describe('an origin that', () => {
  let dir: string;
  let socketPath: string;
  let viewers: ViewerServer | null = null;
  let origin: Server | null = null;
  const connections = new Set<Socket>();

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'holdfast-viewers-'));
    socketPath = join(dir, 'origin');
  });
  afterEach(async () => {
    await viewers?.close();
    for (const socket of connections) socket.destroy();
    connections.clear();
    origin?.close();
    [viewers, origin] = [null, null];
    await rm(dir, { recursive: true, force: true });
  });

  const listen = async (onConnection: (socket: Socket, index: number) => void): Promise<void> => {
    let index = 0;
    origin = createServer((socket) => {
      connections.add(socket);
      onConnection(socket, index++);
    });
    await new Promise<void>((resolve) => origin!.listen(socketPath, resolve));
  };
  const serve = async (): Promise<string> => {
    viewers = await startViewerServer({
      playback: { host: '127.0.0.1', port: 0 },
      originSocket: socketPath,
      tls: null,
      limits: { connections: 0, held: 0, proxies: [] },
      registry: createRegistry('origin-viewers'),
      log: pino({ level: 'silent' }),
    });
    return `http://127.0.0.1:${viewers.port}`;
  };
  const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncache-control: no-store\r\n\r\nok';

  test.each<[string, Record<string, string>]>([
    ['a plain request', {}],
    ['a range', { range: 'bytes=0-1' }],
  ])('is away: %s is answered with 503, and asked again', async (_name, headers) => {
    const url = `${await serve()}/play/index.m3u8`;
    const answer = await fetch(url, { headers });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(await answer.json()).toMatchObject({ code: 'origin_unavailable' });
    await listen((socket) => socket.on('data', () => socket.write(ANSWER)));
    expect((await fetch(url, { headers })).status).toBe(200);
  });

  test('goes away in the middle of an answer is not taken for one that gave it', async () => {
    await listen((socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab')));
    expect((await fetch(`${await serve()}/play/b/720p/1.m4s`)).status).toBe(503);
  });

  test('closes a kept connection in the moment of its use is asked once more', async () => {
    await listen((socket, index) => {
      let requests = 0;
      socket.on('data', () => (index === 0 && ++requests === 2 ? socket.destroy() : socket.write(ANSWER)));
    });
    const link = new OriginLink(socketPath);
    for (let request = 0; request < 2; request++) expect((await link.ask('/', true)).body.toString()).toBe('ok');
    expect(connections.size).toBe(2);
    link.close();
  });

  test('is no longer waited for when its viewer goes away', async () => {
    let closed = 0;
    const asked = new Promise<void>((resolve) => {
      void listen((socket) => {
        socket.once('data', () => resolve()).once('close', () => closed++);
      });
    });
    const { port } = new URL(await serve());
    const viewer = connect(Number(port), '127.0.0.1');
    viewer.write('GET /play/b/720p/1.m4s HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\n\r\n');
    await asked;
    viewer.destroy();
    await until(() => closed === 1, 'the request to be given up');
  });
});

test('everyone who asks meanwhile gets the answer of the first, and who comes later a new one', async () => {
  const answers: ((text: string) => void)[] = [];
  const told: string[] = [];
  const link = {
    ask: () =>
      new Promise<{ status: number; headers: Record<string, string>; body: Buffer }>((resolve) => {
        answers.push((text) => resolve({ status: 200, headers: { 'cache-control': 'no-cache' }, body: Buffer.from(text) }));
      }),
  };
  const shared = new SharedAnswers(link, (key) => told.push(key));
  const question = { key: 'k', target: '/', gzip: false };
  const [first, second] = [shared.ask(question), shared.ask(question)];
  expect(answers).toHaveLength(1);
  answers[0]!('a');
  expect([await first.done, await second.done].map(({ body }) => body.toString())).toEqual(['a', 'a']);
  expect(told).toEqual(['k']);
  void shared.ask(question);
  expect(answers).toHaveLength(2);
});

test.each<[string, number, string | undefined, number]>([
  ['media', 200, 'public, max-age=3600, immutable', 3_600_000],
  ['a reload', 200, 'public, max-age=6', 6000],
  ['a live playlist', 200, 'no-cache', 0],
  ['of a signed stream', 200, 'private, max-age=3600', 0],
  ['an error', 404, 'no-store', 0],
  ['an error that forgot to say so', 404, 'public, max-age=60', 0],
  ['without a word', 200, undefined, 0],
])('an answer is kept as long as it says: %s', (_name, status, caching, expected) => {
  expect(keepMs({ status, headers: caching === undefined ? {} : { 'cache-control': caching }, body: Buffer.alloc(0) })).toBe(expected);
});

test.each<[string, string | null]>([
  ['/p/index.m3u8?utm_source=x', '/p/index.m3u8'],
  ['/p/index.m3u8?wait=2', '/p/index.m3u8?wait=1'],
  ['/p/b/720p/index.m3u8?viewer=7&_HLS_part=2&_HLS_msn=12&_HLS_skip=v2', '/p/b/720p/index.m3u8?_HLS_msn=12&_HLS_part=2&_HLS_skip=YES'],
  ['/p/b/720p/index.m3u8?_HLS_skip=NO', '/p/b/720p/index.m3u8'],
  ['/p/b/720p/index.m3u8?_HLS_part=2&x=1', '/p/b/720p/index.m3u8?_HLS_part=2&x=1'],
  ['/p/b/720p/3.m4s?a=b', '/p/b/720p/3.m4s'],
  ['/p/b/720p/3.m4s?token=t', null],
  ['/nothing', null],
])('%s is asked for as %s', (text, target) => {
  expect(questionOf(parseTarget(text), true)).toEqual(target === null ? null : { key: `gzip ${target}`, target, gzip: true });
});
