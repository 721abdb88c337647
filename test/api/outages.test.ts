import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectDatabase } from '../../platform/db/connection.js';
import { until } from '../support/until.js';
import { basic, createApiBench, request, startApi, type ApiBench, type CallOptions, type Reply } from './support.js';

const HOST = '127.0.0.1';

/** An address nobody listens on. */
async function deadPort(): Promise<number> {
  const server = await listening(() => undefined);
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const listening = (onSocket: (socket: Socket) => void): Promise<Server> =>
  new Promise((resolve) => {
    const server = createServer(onSocket).listen(0, HOST, () => resolve(server));
  });

/** Takes connections and says nothing, like a stopped process. */
async function silentServer(): Promise<{ port: number; close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = await listening((socket) => void sockets.add(socket.on('error', () => undefined)));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

let bench: ApiBench;
beforeAll(async () => {
  bench = await createApiBench();
});
afterAll(() => bench.close());

/** The bench's database behind an API whose Temporal is somewhere else. */
async function withTemporalAt(
  port: number,
  use: (call: (method: string, path: string, options?: CallOptions) => Promise<Reply>) => Promise<void>,
) {
  const api = await startApi({ db: bench.db, secrets: bench.secrets, temporalAddress: `${HOST}:${port}` });
  try {
    await use((method, path, options) => request(api.baseUrl, method, path, { authorization: basic(bench.key), ...options }));
  } finally {
    await api.stop();
  }
}

const expectUnavailable = (reply: Reply, code: string): void => {
  expect([reply.status, reply.body.code]).toEqual([503, code]);
  expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
};

describe.each([
  ['refuses connections', async () => ({ port: await deadPort(), close: () => Promise.resolve() })],
  ['takes connections but does not answer', silentServer],
])('while Temporal %s', (_name, makeAway) => {
  it('commands are answered 503 with the reason, and reads from the projection', async () => {
    const { id } = await bench.createStream({ reusable: true });
    const away = await makeAway();
    await withTemporalAt(away.port, async (call) => {
      const commands = ['end', 'disable', 'enable'].map((command) => call('POST', `/v1/streams/${id}/${command}`));
      const replies = await Promise.all([...commands, call('DELETE', `/v1/streams/${id}`)]);
      for (const reply of replies) expectUnavailable(reply, 'temporal_unavailable');
      const read = await call('GET', `/v1/streams/${id}`);
      expect([read.status, read.body.status, read.body.statusSource]).toEqual([200, 'idle', 'projection']);
      const ready = await call('GET', '/readyz');
      expect([ready.status, ready.body.checks.database, typeof ready.body.checks.temporal]).toEqual([503, null, 'string']);
      expect((await call('GET', '/healthz')).status).toBe(200);
    });
    await away.close();
  });
});

describe('a create while Temporal refuses connections', () => {
  it('leaves nothing behind', async () => {
    const before = await bench.db('streams');
    await withTemporalAt(await deadPort(), async (call) => {
      expectUnavailable(await call('POST', '/v1/streams', { body: {} }), 'temporal_unavailable');
    });
    expect(await bench.db('streams')).toHaveLength(before.length);
  });

  it('succeeds with the same Idempotency-Key once Temporal is back', async () => {
    const options = { body: { name: 'patience' }, headers: { 'idempotency-key': 'patience' } };
    await withTemporalAt(await deadPort(), async (call) => {
      expectUnavailable(await call('POST', '/v1/streams', options), 'temporal_unavailable');
    });
    const reply = await bench.call('POST', '/v1/streams', options);
    expect(reply.status).toBe(201);
    expect(await bench.db('streams').where({ name: 'patience' })).toHaveLength(1);
  });
});

describe('a new key while Temporal refuses connections', () => {
  it('is not given, and the old one stays', async () => {
    const { id, streamKey } = await bench.createStream();
    await withTemporalAt(await deadPort(), async (call) => {
      expectUnavailable(await call('POST', `/v1/streams/${id}/rotate-key`), 'temporal_unavailable');
    });
    expect((await bench.call('GET', `/v1/streams/${id}`)).body.streamKey).toBe(streamKey);
    expect((await bench.db('streams').where({ id }).first()).stream_key_hash).toBe(bench.secrets.lookupHash(streamKey));
  });
});

describe('while no stream worker runs', () => {
  it('commands are answered 503, reads from the projection, and the same command succeeds later', async () => {
    const { id } = await bench.createStream();
    await until(async () => (await bench.call('GET', `/v1/streams/${id}/events`)).body.data.length === 1, 'the first event');
    await bench.stopWorker();
    const end = () => bench.call('POST', `/v1/streams/${id}/end`, { headers: { 'idempotency-key': 'later' } });
    expectUnavailable(await end(), 'workers_unavailable');
    const read = await bench.call('GET', `/v1/streams/${id}`);
    expect([read.status, read.body.statusSource]).toEqual([200, 'projection']);
    // Needs no worker: the workflow is told when one is back.
    expect((await bench.call('POST', '/v1/streams', { body: {} })).status).toBe(201);
    expect((await bench.call('POST', `/v1/streams/${id}/rotate-key`)).status).toBe(200);
    await bench.startWorker();
    // Temporal may first offer the work to the worker that is gone.
    const reply = await until(async () => {
      const answer = await end();
      return answer.status === 503 ? null : answer;
    }, 'the command to be taken');
    expect([reply.status, reply.body.status]).toEqual([202, 'ended']);
    await until(async () => (await bench.call('GET', `/v1/streams/${id}`)).body.status === 'ended', 'the projection');
    const { body } = await bench.call('GET', `/v1/streams/${id}/events`);
    expect(body.data.map((event: { type: string }) => event.type)).toEqual(['stream.created', 'stream.ended']);
  });
});

describe.each([
  ['refuses connections', async () => ({ port: await deadPort(), close: () => Promise.resolve() })],
  ['takes connections but does not answer', silentServer],
])('while Postgres %s', (_name, makeAway) => {
  it('every call is answered 503 with the reason, and the process is up but not ready', async () => {
    const away = await makeAway();
    const db = connectDatabase(`postgres://nobody@${HOST}:${away.port}/none`);
    const api = await startApi({ db, secrets: bench.secrets, temporalAddress: `${HOST}:${await deadPort()}` });
    const call = (method: string, path: string, options: CallOptions = {}) =>
      request(api.baseUrl, method, path, { authorization: basic(bench.key), ...options });
    const replies = await Promise.all([
      call('GET', '/v1/streams'),
      call('POST', '/v1/streams', { body: {} }),
      call('POST', '/v1/tokens', { body: {} }),
      ...Array.from({ length: 20 }, () => call('GET', `/v1/streams/str_${'0'.repeat(26)}`)),
    ]);
    for (const reply of replies) expectUnavailable(reply, 'database_unavailable');
    expect((await call('GET', '/healthz')).status).toBe(200);
    expect((await call('GET', '/readyz')).status).toBe(503);
    await api.stop();
    await away.close();
    await db.destroy();
  });
});

describe('stopping', () => {
  it('lets a running request finish and takes no new ones', async () => {
    const { id } = await bench.createStream();
    await bench.stopWorker();
    const away = await silentServer();
    const api = await startApi({ db: bench.db, secrets: bench.secrets, temporalAddress: `${HOST}:${away.port}` });
    const running = request(api.baseUrl, 'POST', `/v1/streams/${id}/end`, { authorization: basic(bench.key) });
    await until(async () => (await connections(api.listening.server)) === 1, 'the request to arrive');
    const LONGER_THAN_THE_REQUEST_MS = 20_000;
    const closed = api.listening.close(LONGER_THAN_THE_REQUEST_MS);
    await expect(request(api.baseUrl, 'GET', '/healthz')).rejects.toThrow();
    expectUnavailable(await running, 'temporal_unavailable');
    await closed;
    await away.close();
    await bench.startWorker();
  });
});

const connections = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => server.getConnections((error, count) => (error ? reject(error) : resolve(count))));
