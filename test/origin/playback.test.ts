import { connect } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HoldfastError } from '../../domain/errors.js';
import { cacheControl } from '../../origin/http/cache-control.js';
import { parsePlaybackPath } from '../../origin/http/playback-route.js';
import { parseRange } from '../../origin/http/range.js';
import { takesGzip } from '../../origin/http/request-fields.js';
import { parseMedia, parseMultivariant } from './playlist-check.js';
import { AUDIO, encode, exited, SERVED_BY, TestOrigin, video } from './support.js';

let origin: TestOrigin;
const renditions = [video(120), AUDIO];

async function finished(broadcastId: string, options: Parameters<TestOrigin['open']>[1], seconds = 3): Promise<void> {
  await origin.open(broadcastId, options);
  await exited(encode({ sockets: await origin.startEncode(broadcastId, 1, renditions), renditions, seconds }));
  await origin.control('POST', `/broadcasts/${broadcastId}/end`);
}

/** fetch() resolves dots in paths and unpacks gzip; this does neither. */
function raw(
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(origin.playback, { method, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }));
    });
    request.once('error', reject).end();
  });
}

describe.each(SERVED_BY)('served by %s', (_name, viewerProcess) => {
  beforeAll(async () => {
    origin = await TestOrigin.start({ viewerProcess });
    await finished('public', { playbackId: 'pub' });
    origin.verify = async (token, streamId) => {
      if (token !== `good-for-${streamId}`) throw new HoldfastError(token === 'forbidden' ? 'forbidden' : 'invalid_credentials');
      return { validUntil: Date.now() + 60_000 };
    };
    await finished('signed', { playbackId: 'sig', streamId: 's1', playbackPolicy: 'signed' });
  });
  afterAll(() => origin.close());

  describe('every answer', () => {
    const init = '/pub/public/120p/init-1.mp4';
    const segment = '/pub/public/120p/0.m4s';
    test.each<[string, string, string, Record<string, string>, number, Record<string, string>]>([
      [
        'the multivariant playlist of an ended broadcast',
        'GET',
        '/pub/index.m3u8',
        {},
        200,
        { 'content-type': 'application/vnd.apple.mpegurl', 'cache-control': 'no-cache' },
      ],
      [
        'a media playlist',
        'GET',
        '/pub/public/120p/vod.m3u8',
        {},
        200,
        { 'content-type': 'application/vnd.apple.mpegurl', vary: 'Accept-Encoding' },
      ],
      [
        'a segment',
        'GET',
        segment,
        {},
        200,
        { 'content-type': 'video/mp4', 'cache-control': 'public, max-age=3600, immutable', 'accept-ranges': 'bytes' },
      ],
      ['a sound segment', 'GET', '/pub/public/audio/0.m4s', {}, 200, { 'content-type': 'audio/mp4' }],
      ['a header', 'GET', init, {}, 200, { 'content-type': 'video/mp4', 'cache-control': 'public, max-age=31536000, immutable' }],
      ['HEAD', 'HEAD', segment, {}, 200, { 'content-type': 'video/mp4' }],
      ['a part of a segment', 'GET', segment, { range: 'bytes=4-7' }, 206, { 'content-length': '4' }],
      ['a part that does not exist', 'GET', segment, { range: 'bytes=99999999-' }, 416, {}],
      [
        'a preflight',
        'OPTIONS',
        '/pub/index.m3u8',
        { origin: 'https://elsewhere.example', 'access-control-request-headers': 'range' },
        204,
        { 'access-control-allow-headers': 'Range, If-None-Match, Cache-Control' },
      ],
      ['a preflight of nothing', 'OPTIONS', '/what/ever', {}, 204, {}],
      ['an unknown playback id', 'GET', '/nobody/index.m3u8', {}, 404, { 'retry-after': '1', 'cache-control': 'no-store' }],
      ['an unknown broadcast', 'GET', '/pub/other/120p/index.m3u8', {}, 404, { 'cache-control': 'no-store' }],
      ['a broadcast of another playback id', 'GET', '/other/public/120p/index.m3u8', {}, 404, {}],
      ['an unknown rendition', 'GET', '/pub/public/999p/index.m3u8', {}, 404, {}],
      ['an unknown segment', 'GET', '/pub/public/120p/999.m4s', {}, 404, {}],
      ['no address', 'GET', '//', {}, 404, {}],
      ['a way out', 'GET', '/pub/public/120p/../../../../etc/passwd', {}, 404, {}],
      ['a way out in disguise', 'GET', '/pub/public/120p/..%2f..%2fjournal.jsonl', {}, 404, {}],
      ['the journal', 'GET', '/pub/public/journal.jsonl', {}, 404, {}],
      ['a method that changes something', 'POST', '/pub/index.m3u8', {}, 405, { allow: 'GET, HEAD, OPTIONS' }],
      ['DELETE', 'DELETE', segment, {}, 405, {}],
      ['the player page', 'GET', '/pub/player', {}, 200, { 'content-type': 'text/html; charset=utf-8' }],
      ['the player page of nobody yet', 'GET', '/nobody/player', {}, 200, {}],
      ['an asset of the page', 'GET', '/assets/player.js', {}, 200, { 'content-type': 'text/javascript; charset=utf-8' }],
      ['an unknown asset', 'GET', '/assets/player.html', {}, 404, {}],
      ['signed without a token', 'GET', '/sig/index.m3u8', {}, 401, { 'cache-control': 'no-store' }],
      ['signed with an empty token', 'GET', '/sig/index.m3u8?token=', {}, 401, {}],
      ['signed with a wrong token', 'GET', '/t/wrong/sig/index.m3u8', {}, 401, { 'cache-control': 'no-store' }],
      [
        'signed with a token in the query: to where it stands in front of everything',
        'GET',
        '/sig/index.m3u8?token=a.b-c_d&wait=1',
        {},
        302,
        { location: '../t/a.b-c_d/sig/index.m3u8?wait=1', 'cache-control': 'no-store' },
      ],
      ['the same of one broadcast', 'GET', '/sig/signed/index.m3u8?token=t', {}, 302, { location: '../../t/t/sig/signed/index.m3u8' }],
      [
        'the same of a media playlist',
        'GET',
        '/sig/signed/120p/index.m3u8?token=t&_HLS_msn=3',
        {},
        302,
        { location: '../../../t/t/sig/signed/120p/index.m3u8?_HLS_msn=3' },
      ],
      ['the player page of a signed stream', 'GET', '/sig/player?token=t', {}, 302, { location: '../t/t/sig/player' }],
      [
        'a token that would leave its header',
        'GET',
        '/sig/player?token=%0d%0ax:%20y',
        {},
        302,
        { location: '../t/%0D%0Ax%3A%20y/sig/player' },
      ],
      ['the player page with a token for a stream nobody knows yet', 'GET', '/nobody/player?token=t', {}, 302, {}],
      ['a public stream with a token', 'GET', '/pub/index.m3u8?token=t', {}, 200, {}],
      ['the player page of a public stream with a token', 'GET', '/pub/player?token=t', {}, 200, {}],
      ['the player page below a token', 'GET', '/t/wrong/sig/player', {}, 200, {}],
      ['an asset of the page below a token', 'GET', '/t/wrong/assets/player.js', {}, 200, {}],
      ['a good token', 'GET', '/t/good-for-s1/sig/access', {}, 204, { 'cache-control': 'private, max-age=20' }],
      ['a bad token', 'GET', '/t/bad/sig/access', {}, 401, {}],
      ['no token', 'GET', '/sig/access', {}, 401, {}],
      ['a token for nobody yet', 'GET', '/t/good-for-s1/nobody/access', {}, 404, {}],
      ['a public stream below a bad token', 'GET', '/t/bad/pub/index.m3u8', {}, 401, {}],
      ['signed media below a bad token', 'GET', '/t/bad/sig/signed/120p/0.m4s', {}, 401, {}],
      [
        'signed media with its token in the query',
        'GET',
        '/sig/signed/120p/0.m4s?token=good-for-s1',
        {},
        200,
        { 'content-type': 'video/mp4' },
      ],
      ['signed with a token of no use here', 'GET', '/sig/signed/120p/0.m4s?token=forbidden', {}, 403, {}],
    ])('has CORS and the right status and headers: %s', async (_name, method, path, headers, status, expected) => {
      const answer = await raw(method, path, headers);
      expect(answer.status).toBe(status);
      expect(answer.headers).toMatchObject({ 'access-control-allow-origin': '*', ...expected });
      expect(answer.headers['access-control-expose-headers']).toContain('Content-Range');
      if (status >= 400 && status !== 416)
        expect(JSON.parse(answer.body.toString())).toMatchObject({ code: expect.any(String), message: expect.any(String) });
    });

    test('of a segment in parts adds up to the whole', async () => {
      const whole = await origin.bytes(segment);
      const first = await raw('GET', segment, { range: 'bytes=0-99' });
      const rest = await raw('GET', segment, { range: 'bytes=100-' });
      const last = await raw('GET', segment, { range: 'bytes=-10' });
      expect(Buffer.concat([first.body, rest.body]).equals(whole)).toBe(true);
      expect(first.headers['content-range']).toBe(`bytes 0-99/${whole.length}`);
      expect(last.body.equals(whole.subarray(-10))).toBe(true);
      const head = await raw('HEAD', segment);
      expect([head.body.length, head.headers['content-length']]).toEqual([0, String(whole.length)]);
    });

    test('of a playlist is gzip for those who take it, and 304 for those who have it', async () => {
      const plain = await raw('GET', '/pub/index.m3u8');
      const zipped = await raw('GET', '/pub/index.m3u8', { 'accept-encoding': 'gzip, br' });
      expect(zipped.headers['content-encoding']).toBe('gzip');
      expect(gunzipSync(zipped.body).equals(plain.body)).toBe(true);
      const again = await raw('GET', '/pub/index.m3u8', { 'if-none-match': plain.headers.etag as string });
      expect([again.status, again.body.length]).toEqual([304, 0]);
    });

    test('for a segment is the same from disk after a restart', async () => {
      const before = await raw('GET', segment);
      await origin.stop();
      await origin.start();
      const after = await raw('GET', segment);
      expect(after.body.equals(before.body)).toBe(true);
      expect((await raw('GET', segment, { range: 'bytes=10-19' })).body.equals(before.body.subarray(10, 20))).toBe(true);
    });
  });

  test('a signed broadcast is found below its token, where everything is the same for everyone, and no shared cache keeps it', async () => {
    const token = 'good-for-s1';
    const redirect = await raw('GET', `/sig/index.m3u8?token=${token}`);
    const at = new URL(redirect.headers.location!, `${origin.playback}/sig/index.m3u8`);
    expect(at.pathname).toBe(`/t/${token}/sig/index.m3u8`);
    const master = await raw('GET', at.pathname);
    expect(master.headers['cache-control']).toBe('private, no-cache');
    const { variants, audio } = parseMultivariant(master.body.toString());
    for (const uri of [variants[0]!.uri, audio!]) {
      const text = await origin.text(`/t/${token}/sig/${uri}`);
      expect(`${master.body.toString()}${text}`).not.toContain(token);
      const media = parseMedia(text);
      for (const name of [media.segments[0]!.uri, media.segments[0]!.map]) {
        const path = `${uri.replace(/[^/]*$/, '')}${name}`;
        expect((await raw('GET', `/t/${token}/sig/${path}`)).headers['cache-control']).toContain('private');
        expect((await raw('GET', `/sig/${path}`)).status).toBe(401);
        expect([401, 404]).toContain((await raw('GET', `/t/${token}/pub/${path}`)).status);
      }
    }
  });

  test.each([
    ['two slashes', '//'],
    ['an address that is none', 'http://['],
    ['a question alone', '?'],
    ['half an escape', '/%'],
    ['a token without an end', '/t/abc'],
    ['nothing behind a token', '/t/abc/'],
    ['a token of nothing', '/t//pub/index.m3u8'],
    ['a star', '*'],
  ])('a request line with %s is answered, and everything goes on', async (_name, target) => {
    expect(await statusLineOf(`GET ${target} HTTP/1.1`)).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(await statusLineOf(`GET ${target} HTTP/1.1`, 'If-None-Match: "x"\r\n')).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect((await raw('GET', '/pub/index.m3u8')).status).toBe(200);
  });

  test('a request line may name the server', async () => {
    expect(await statusLineOf('GET http://elsewhere.example/pub/index.m3u8 HTTP/1.1')).toBe('HTTP/1.1 200 OK');
  });
});

/** What a request line is answered with; no client would send some of them. */
function statusLineOf(line: string, fields = ''): Promise<string> {
  const { port } = new URL(origin.playback);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (text.includes('\r\n')) socket.destroy();
    });
    socket.once('error', reject).once('close', () => resolve(text.split('\r\n')[0]!));
    socket.write(`${line}\r\nHost: x\r\n${fields}\r\n`);
  });
}

test.each<[string | undefined, ReturnType<typeof parseRange>]>([
  [undefined, null],
  ['bytes=0-0', { start: 0, end: 0 }],
  ['bytes=10-', { start: 10, end: 99 }],
  ['bytes=90-500', { start: 90, end: 99 }],
  ['bytes=-10', { start: 90, end: 99 }],
  ['bytes=-500', { start: 0, end: 99 }],
  ['bytes=100-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=5-2', null],
  ['bytes=0-1,4-5', null],
  ['items=0-1', null],
  ['bytes=-', null],
])('of 100 bytes, the range %s is %o', (header, range) => {
  expect(parseRange(header, 100)).toEqual(range);
});

test.each([
  ['gzip', true],
  ['gzip, deflate, br', true],
  ['br', false],
  [undefined, false],
  ['gzip;q=0', false],
  ['gzip;q=0.5', true],
  ['gzip;q=0, br', false],
])('a client that accepts %s takes gzip: %s', (header, takes) => {
  expect(takesGzip(header)).toBe(takes);
});

test.each([
  ['/p/index.m3u8', 'multivariant'],
  ['/p/player', 'player'],
  ['/p/b/720p/index.m3u8', 'playlist'],
  ['/p/b/audio/vod.m3u8', 'playlist'],
  ['/p/b/720p/12.m4s', 'media'],
  ['/p/b/720p/init-3.mp4', 'media'],
  ['/p/b/720p/init-3-1.mp4', 'media'],
  ['/assets/player.css', 'asset'],
  ['/', undefined],
  ['/p', undefined],
  ['/p/b', undefined],
  ['/p/b/720p', undefined],
  ['/p/b/720p/x.m4s', undefined],
  ['/p/b/720p/1.m4s.tmp', undefined],
  ['/p/b/../1.m4s', undefined],
  ['/p/b/720p/1.m4s/', undefined],
  ['/./b/720p/1.m4s', undefined],
  ['/p/%2e%2e/720p/1.m4s', undefined],
  ['/assets/../x', undefined],
])('the address %s means: %s', (path, kind) => {
  expect(parsePlaybackPath(path)?.kind).toBe(kind);
});

test('a live playlist must be asked for again each time', () => {
  expect(cacheControl('live', false)).toBe('no-cache');
  expect(cacheControl('live', true)).toBe('private, no-cache');
});
