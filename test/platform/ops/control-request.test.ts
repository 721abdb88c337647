import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HoldfastError } from '../../../domain/errors.js';
import { createControlAccess } from '../../../platform/auth/control-access.js';
import { createControlHandler, requestTarget } from '../../../platform/ops/control-request.js';
import { createRegistry, startOpsServer } from '../../../platform/ops/ops-server.js';
import { rawRequest } from '../../support/request-lines.js';

const access = createControlAccess(randomBytes(32));
const { authorization } = access;
const logged: string[] = [];
const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
let server: Server;
let port: number;

beforeAll(async () => {
  server = await startOpsServer({
    host: '127.0.0.1',
    port: 0,
    readyChecks: {},
    registry: createRegistry('control-test'),
    log,
    handle: createControlHandler({
      owns: (path) => path.startsWith('/own'),
      access,
      async answer({ method, path, query, body }) {
        if (path === '/own/fault') throw new TypeError('a fault of ours');
        if (path === '/own/known') throw new HoldfastError('stale_epoch', undefined, { epoch: 7 });
        if (path === '/own/explained') throw new RangeError('explained');
        if (path === '/own/nothing') return { status: 204 };
        return { status: 200, body: { method, path, query: [...query], body: await body(1000) } };
      },
      explain: (error) => (error instanceof RangeError ? new HoldfastError('invalid_request', error.message) : null),
      log,
    }),
  });
  ({ port } = server.address() as AddressInfo);
});
beforeEach(() => void (logged.length = 0));
afterAll(() => new Promise((resolve) => server.close(resolve)));

const ask = (requestLine: string, headers: Record<string, string> = { authorization }) =>
  rawRequest(port, `${requestLine} HTTP/1.1`, headers);
const statusOf = (answer: string): number => Number(answer.split(' ')[1]);

describe('a control address', () => {
  it('answers a process of its host, whatever the rest of the request', async () => {
    const answer = await ask('GET /own//x/../%zz?a=1&a=%zz&b');
    expect(answer).toContain('{"method":"GET","path":"/own//x/../%zz","query":[["a","1"],["a","%zz"],["b",""]],"body":""}');
    expect(statusOf(await ask('GET /own/nothing'))).toBe(204);
  });

  it.each<[string, Record<string, string>, number]>([
    ['without the secret', {}, 401],
    ['with a wrong secret', { authorization: 'Bearer 00' }, 401],
    ['with the secret, under a name of somebody else', { authorization, host: 'rebound.test:8811' }, 403],
    ['with the secret, under no name', { authorization, host: '' }, 403],
    ['with the secret, under a name that only begins like this machine', { authorization, host: '127.0.0.1.test' }, 403],
    ['with the secret, under each name of this machine', { authorization, host: 'localhost' }, 200],
    ['with the secret, by IPv6', { authorization, host: '[::1]:8811' }, 200],
  ])('asked %s', async (_name, headers, status) => {
    expect(statusOf(await ask('GET /own', headers))).toBe(status);
  });

  it('gives what is signed without the secret, to who only reads, and by its own name alone', async () => {
    const signed = access.sign('/own/media.flv?slate=none');
    expect(statusOf(await ask(`GET ${signed}`, {}))).toBe(200);
    expect(statusOf(await ask(`POST ${signed}`, {}))).toBe(401);
    expect(statusOf(await ask(`GET ${signed.replace('none', 'other')}`, {}))).toBe(401);
    expect(statusOf(await ask(`GET ${signed}`, { host: 'rebound.test' }))).toBe(403);
  });

  it('leaves health and metrics open, and what is not its own alone', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics'])
      expect(statusOf(await ask(`GET ${path}`, { host: 'prometheus.test' }))).toBe(200);
    expect(statusOf(await ask('GET /other', {}))).toBe(404);
  });

  it('says what went wrong in the words of the one table, and logs its own faults alone', async () => {
    expect(await ask('GET /own/known')).toMatch(/409 [\s\S]*"code":"stale_epoch".*"epoch":7/);
    expect(await ask('GET /own/explained')).toMatch(/400 [\s\S]*"code":"invalid_request","message":"explained"/);
    expect(logged).toEqual([]);
    const answer = await ask('GET /own/fault');
    expect(answer).toMatch(/500 [\s\S]*"code":"internal"/);
    expect(answer).not.toContain('a fault of ours');
    expect(logged.join('')).toContain('a fault of ours');
  });
});

it('the target of a request is found in whatever a peer has sent, and never throws', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl(), fc.constant(undefined)), (url) => {
      const { path, query } = requestTarget({ url });
      expect((url ?? '').startsWith(path)).toBe(true);
      expect(path).not.toContain('?');
      expect([...query].every(([name, value]) => typeof name === 'string' && typeof value === 'string')).toBe(true);
    }),
  );
});
