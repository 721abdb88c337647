import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic, createApiBench, type ApiBench } from './support.js';

let bench: ApiBench;
const thrown: unknown[] = [];
const note = (error: unknown): void => void thrown.push(error);
beforeAll(async () => {
  bench = await createApiBench();
  process.on('uncaughtExceptionMonitor', note);
});
afterAll(async () => {
  process.off('uncaughtExceptionMonitor', note);
  await bench.close();
});

/** The first line of what the server answers to these bytes; it closes the connection afterwards. */
const send = (head: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const { port } = new URL(bench.baseUrl);
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(`${head}\r\n\r\n`));
    let answer = '';
    socket.on('data', (bytes) => (answer += bytes.toString('latin1')));
    socket.on('close', () => resolve(answer.split('\r\n')[0]!));
    socket.on('error', reject);
  });

describe('a request line', () => {
  const TARGETS = [
    '/',
    '//',
    '///v1/streams',
    '//v1/streams',
    '/\\',
    '/%',
    '/%zz',
    '/v1/streams/%',
    '/v1/streams/%ff%fe',
    '/v1/streams?cursor=%',
    '/v1/streams?a[b]=1&a[__proto__]=2&__proto__=3',
    '/?%E0%A4%A',
    'http://[',
    'http://[::1',
    'http://',
    'http:///v1/streams',
    'http://a:b:c/v1/streams',
    'http://example.com:99999/v1/streams',
    'http://%00/v1/streams',
    'javascript:alert(1)',
    '*',
    '?',
    '#',
    'v1/streams',
    `/${'a'.repeat(8000)}`,
    `/${'/'.repeat(8000)}`,
    `/${'%41'.repeat(2000)}`,
    '/docs/../../etc/passwd',
    '/docs/%2e%2e/%2e%2e/package.json',
    '/docs/%00',
  ];
  it.each(TARGETS.map((target) => [target.length > 60 ? `${target.slice(0, 20)}… (${target.length})` : target, target]))(
    '%s is answered by whatever method, and throws nothing',
    async (_shown, target) => {
      for (const method of ['GET', 'POST', 'OPTIONS', 'HEAD', 'PATCH', 'DELETE', 'CONNECT', 'TRACE']) {
        const idempotency = method === 'POST' ? '\r\nIdempotency-Key: line' : '';
        const head = `${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: ${basic(bench.key)}${idempotency}`;
        const answer = await send(head);
        // CONNECT is closed by Node without a word when nobody takes it.
        if (method !== 'CONNECT') expect(answer, method).toMatch(/^HTTP\/1\.1 (2|3|4)\d\d /);
      }
      expect(thrown).toEqual([]);
    },
  );

  it('that is none is refused', async () => {
    for (const head of ['GET', 'GET / HTTP/9.9\r\nHost: x', '\u0000', 'GET / HTTP/1.1\r\nHost: x\r\nAuthorization: \u0001']) {
      expect(await send(head), JSON.stringify(head)).toMatch(/^HTTP\/1\.1 400 |^$/);
    }
    expect(thrown).toEqual([]);
    expect((await bench.call('GET', '/healthz')).status).toBe(200);
  });
});
