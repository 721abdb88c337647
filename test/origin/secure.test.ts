import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectHttp2, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { get as getHttps } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchBrowser, Player } from '../support/player.js';
import { until } from '../support/until.js';
import { AUDIO, encode, exited, SERVED_BY, TestOrigin, video } from './support.js';

const renditions = [video(120), AUDIO];
let dir: string;
let origin: TestOrigin;
let cert: string;
let key: string;

async function makeCertificate(name: string): Promise<{ cert: string; key: string }> {
  const files = { cert: join(dir, `${name}.pem`), key: join(dir, `${name}.key`) };
  await promisify(execFile)('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
    '-keyout',
    files.key,
    '-out',
    files.cert,
    '-subj',
    `/CN=${name}`,
    '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
  ]);
  return files;
}

function over(
  session: ClientHttp2Session,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ headers: IncomingHttpHeaders; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': path, ...headers });
    let answered: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    stream.on('response', (received) => (answered = received)).on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('error', reject).once('end', () => resolve({ headers: answered, body: Buffer.concat(chunks) }));
  });
}

const subject = (): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connectTls({ port: origin.server.playbackPort, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.once('error', reject);
  });

describe.each(SERVED_BY)('playback over TLS, served by %s', (_name, viewerProcess) => {
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'holdfast-tls-'));
    ({ cert, key } = await makeCertificate('first'));
    origin = await TestOrigin.start({ tls: { cert, key }, viewerProcess });
  });
  afterAll(async () => {
    await origin.close();
    await rm(dir, { recursive: true, force: true });
  });

  test('gives everything out over HTTP/2, held requests and media on disk among it', async () => {
    const session = connectHttp2(origin.playback, { rejectUnauthorized: false });
    await origin.open('b', { latency: 'low' });
    const publisher = encode({ sockets: await origin.startEncode('b', 1, renditions), renditions, seconds: 300, realTime: true });
    await until(async () => (await origin.status('b')).durationSeconds > 0, 'a segment');
    const playlist = '/play/b/120p/index.m3u8';
    const hint = /PRELOAD-HINT.*URI="([^"]+)"/.exec((await over(session, playlist)).body.toString())![1]!;
    const held = Array.from({ length: 20 }, () => over(session, `/play/b/120p/${hint}`));
    for (const { headers, body } of await Promise.all(held)) {
      expect(headers).toMatchObject({ ':status': 200, 'content-type': 'video/mp4', 'content-length': String(body.length) });
    }
    expect((await over(session, playlist, { 'accept-encoding': 'gzip' })).headers).toMatchObject({
      'content-encoding': 'gzip',
      vary: 'Accept-Encoding',
    });
    expect((await over(session, '/play/b/120p/0.m4s', { range: 'bytes=4-7' })).body.toString()).toBe('moof');
    expect((await over(session, '/play/b/120p/99.m4s')).headers).toMatchObject({ ':status': 404, 'access-control-allow-origin': '*' });
    publisher.kill();
    await exited(publisher);
    await origin.control('POST', '/broadcasts/b/end');
    const memory = (await over(session, '/play/b/120p/0.m4s')).body;
    session.destroy();
    await origin.stop();
    await origin.start();
    const again = connectHttp2(origin.playback, { rejectUnauthorized: false });
    expect((await over(again, '/play/b/120p/0.m4s')).body.equals(memory)).toBe(true);
    again.destroy();
  });

  test('speaks HTTP/1.1 to who asks for it', async () => {
    const status = await new Promise((resolve, reject) => {
      getHttps(`${origin.playback}/assets/player.js`, { rejectUnauthorized: false }, (response) => {
        response.resume().once('end', () => resolve(`${response.httpVersion} ${response.statusCode}`));
      }).once('error', reject);
    });
    expect(status).toBe('1.1 200');
  });

  test('plays in a browser over HTTP/2', async () => {
    await origin.open('live', { playbackId: 'show', latency: 'low' });
    const publisher = encode({ sockets: await origin.startEncode('live', 1, renditions), renditions, seconds: 300, realTime: true });
    const browser = await launchBrowser();
    try {
      await until(async () => (await origin.status('live')).playable, 'something to play');
      const player = await Player.open(browser, `${origin.playback}/show/player`);
      expect(await player.isMoving()).toBe(true);
      const protocols = await player.page.evaluate<string[]>(
        `performance.getEntriesByType('resource').map((entry) => entry.nextHopProtocol)`,
      );
      expect(new Set(protocols.filter((protocol) => protocol !== ''))).toEqual(new Set(['h2']));
    } finally {
      await browser.close();
      publisher.kill('SIGKILL');
      await exited(publisher);
    }
  });

  test('takes up a certificate that is renewed on disk, and keeps the old one while the new one is of no use', async () => {
    expect(await subject()).toBe('first');
    await writeFile(cert, 'half a certifica');
    await until(() => origin.logLines.some((line) => line.includes('the one before is kept')), 'the log to say so');
    expect(await subject()).toBe('first');
    const second = await makeCertificate('second');
    await copyFile(second.key, key);
    await copyFile(second.cert, cert);
    await until(async () => (await subject()) === 'second', 'the new certificate');
  });

  test.each<[string, () => { cert: string; key: string }, string]>([
    ['no certificate', () => ({ cert: join(dir, 'nowhere.pem'), key }), 'HOLDFAST_TLS_CERT'],
    ['no key', () => ({ cert, key: join(dir, 'nowhere.key') }), 'HOLDFAST_TLS_KEY'],
    ['another key', () => ({ cert, key: join(dir, 'first.pem') }), 'HOLDFAST_TLS_CERT and HOLDFAST_TLS_KEY'],
  ])('does not start with %s, and says which setting it is', async (_name, tls, variable) => {
    await expect(TestOrigin.start({ tls: tls(), viewerProcess })).rejects.toThrow(variable);
  });
});
