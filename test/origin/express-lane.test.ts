import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { plainFields, plainTarget } from '../../origin/http/request-head.js';
import { renderWire, wireOf } from '../../origin/http/wire.js';
import { until } from '../support/until.js';
import { AUDIO, encode, exited, SERVED_BY, TestOrigin, video } from './support.js';

describe('a request of the express lane', () => {
  test.each<[string, string | null]>([
    ['GET /a/index.m3u8?_HLS_msn=3 HTTP/1.1', '/a/index.m3u8?_HLS_msn=3'],
    ['HEAD / HTTP/1.1', null],
    ['GET http://else.where/ HTTP/1.1', null],
    ['GET / HTTP/1.0', null],
    ['GET  / HTTP/1.1', null],
    ['GET /\tx HTTP/1.1', null],
    ['GET / HTTP/1.1\r', null],
  ])('is a plain GET: %j', (line, target) => expect(plainTarget(line)).toBe(target));

  test.each<[string, string, ReturnType<typeof plainFields>]>([
    ['a player', 'Host: x\r\nAccept-Encoding: gzip, br\r\nConnection: keep-alive', { gzip: true }],
    ['one without compression', 'host: x\r\nuser-agent: a', { gzip: false }],
    ['one that refuses gzip', 'Host: x\r\nAccept-Encoding: gzip;q=0', { gzip: false }],
    ['no host', 'Accept: */*', null],
    ['two hosts', 'Host: x\r\nHost: y', null],
    ['a body', 'Host: x\r\nContent-Length: 5', null],
    ['chunks', 'Host: x\r\nTransfer-Encoding: chunked', null],
    ['a space before the colon', 'Host: x\r\nTransfer-Encoding : chunked', null],
    ['a folded line', 'Host: x\r\nX: a\r\n b', null],
    ['a bare line feed', 'Host: x\r\nX: a\nContent-Length: 5', null],
    ['a range', 'Host: x\r\nRange: bytes=0-1', null],
    ['a condition', 'Host: x\r\nIf-None-Match: "1"', null],
    ['another protocol', 'Host: x\r\nConnection: upgrade\r\nUpgrade: h2c', null],
    ['its last request', 'Host: x\r\nConnection: close', null],
  ])('has nothing in its fields that wants a fuller reading: %s', (_name, fields, expected) => {
    expect(plainFields(fields)).toEqual(expected);
  });

  test('gets the same buffer as everyone in the same second, and another when Date has changed', () => {
    const source = {};
    const answer = () => ({ status: 200, headers: { etag: '"1"' }, body: Buffer.from('x') });
    const at = (ms: number) => wireOf(source, 'a', answer, ms).head;
    expect(at(1_000)).toBe(at(1_999));
    expect(at(2_000).toString()).toContain('date: Thu, 01 Jan 1970 00:00:02 GMT\r\n');
    expect(renderWire({ ...answer(), body: Buffer.alloc(1 << 20) }, new Date(0)).body).toHaveLength(1 << 20);
  });
});

describe.each(SERVED_BY)('a connection to %s', (_name, viewerProcess) => {
  let origin: TestOrigin;
  beforeAll(async () => {
    origin = await TestOrigin.start({ viewerProcess });
    const renditions = [video(120), AUDIO];
    await origin.open('b', { latency: 'low' });
    await exited(encode({ sockets: await origin.startEncode('b', 1, renditions), renditions, seconds: 3 }));
    await until(async () => (await origin.status('b')).durationSeconds > 2, 'a segment');
  });
  afterAll(() => origin.close());

  /** Sends the pieces one after the other and collects until the text matches or the connection is closed. */
  function talk(pieces: readonly string[], whole: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(origin.server.playbackPort, '127.0.0.1');
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
        if (whole.test(text)) socket.destroy();
      });
      socket.once('error', reject).once('close', () => resolve(text));
      void (async () => {
        for (const piece of pieces) await new Promise<void>((sent) => socket.write(piece, 'latin1', () => setImmediate(sent)));
      })();
    });
  }
  const get = (path: string, fields = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${fields}\r\n`;
  const statuses = (text: string): number[] => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]));
  const init = '/play/b/120p/init-1.mp4';

  test('answers requests that come together one after the other', async () => {
    const text = await talk(
      [get(init) + get('/nowhere') + get('/play/index.m3u8') + get('/assets/player.js', 'Connection: close\r\n')],
      /never/,
    );
    expect(statuses(text)).toEqual([200, 404, 200, 200]);
  });

  test('takes a request in drops', async () => {
    expect(statuses(await talk([...get(init), get('/x', 'Connection: close\r\n')], /never/))).toEqual([200, 404]);
  });

  test('changes to the full server in the middle, whatever comes', async () => {
    const post = 'POST /play/index.m3u8 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nGET /';
    const text = await talk(
      [
        get(init) + get(init, 'Range: bytes=0-3\r\n'),
        `HEAD ${init} HTTP/1.1\r\nHost: x\r\n\r\n`,
        post + get(init, 'Connection: close\r\n'),
      ],
      /never/,
    );
    expect(statuses(text)).toEqual([200, 206, 200, 405, 200]);
  });

  test.each([
    ['a body announced twice', get(init, 'Content-Length: 0\r\nContent-Length: 5\r\n')],
    ['both kinds of body', get(init, 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n')],
    ['no HTTP', 'hello\r\n\r\n'],
    ['no host', `GET ${init} HTTP/1.1\r\n\r\n`],
  ])('refuses what could be read in two ways: %s', async (_name, request) => {
    expect(statuses(await talk([request + get(init)], /never/))).toEqual([400]);
  });

  test('with a head without end is closed', async () => {
    expect(statuses(await talk([`GET ${init} HTTP/1.1\r\n`, `a: ${'b'.repeat(100)}\r\n`.repeat(400)], /never/))).toEqual([431]);
  });

  test('that was handed over is closed with the server', async () => {
    const other = await TestOrigin.start({ viewerProcess });
    const socket = connect(other.server.playbackPort, '127.0.0.1');
    const closed = new Promise((resolve) => socket.once('close', resolve).resume());
    const answered = new Promise((resolve) => socket.once('data', resolve));
    socket.write('OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n');
    await answered;
    await other.close();
    await closed;
  });

  test('that goes away while it waits leaves nothing behind', async () => {
    const part = /URI="(p\d+\.m4s)"\n(?!#EXT-X-PART)/.exec((await origin.text('/play/b/120p/index.m3u8')).split('PRELOAD-HINT')[1]!)![1];
    const waiting = Array.from({ length: 20 }, () => connect(origin.server.playbackPort, '127.0.0.1'));
    const held = async (): Promise<number> => origin.metric('holdfast_origin_held_requests', viewerProcess ? 'origin-viewers' : 'origin');
    // A viewer process lets the origin hold what only one viewer wants.
    const range = viewerProcess ? '' : 'Range: bytes=0-\r\n';
    for (const [index, socket] of waiting.entries()) socket.write(get(`/play/b/120p/${part}`, index % 2 ? range : ''));
    await until(async () => (await held()) === waiting.length, 'all to wait');
    for (const socket of waiting) socket.destroy();
    await until(async () => (await held()) === 0, 'all to be forgotten');
  });
});
