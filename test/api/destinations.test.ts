import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCatalog } from '../../platform/db/repositories/catalog.js';
import { streamWorkflowId } from '../../domain/task-queues.js';
import { PLATFORM_IDS } from '../../domain/platforms.js';
import { commandsQuery, liveSignal } from './destination-messages.js';
import { basic, createApiBench, request, startApi, type ApiBench, type CallOptions, type Reply } from './support.js';

const NO_TEMPORAL = '127.0.0.1:1';
const TARGET = { url: 'rtmp://a.test:1936/live/instance?token=query-secret', streamKey: 'key-secret' };
const SECRETS = ['query-secret', 'key-secret'];
let bench: ApiBench;
let id: string;
let path: string;
beforeAll(async () => {
  bench = await createApiBench({ workflowsPath: fileURLToPath(new URL('destination-workflow.ts', import.meta.url)) });
});
beforeEach(async () => {
  ({ id } = await bench.createStream({ reusable: true }));
  path = `/v1/streams/${id}/destinations`;
});
afterAll(() => bench.close());

const workflow = () => bench.workflows.getHandle(streamWorkflowId(id));
/** What the workflow was told: command and destination. */
const told = async (): Promise<[string, string][]> => {
  const commands = await workflow().query(commandsQuery);
  return commands.map(({ command, destinationId }) => [command, destinationId]);
};

/** As a broadcast begins: first its row, then the workflow sends. */
async function goLive(): Promise<void> {
  await createCatalog(bench.db).openBroadcast({
    broadcastId: `brd_${id}`,
    streamId: id,
    hostId: 'local',
    startedAt: new Date().toISOString(),
  });
  await workflow().signal(liveSignal, true);
}

async function add(body: Record<string, unknown> = {}): Promise<Reply['body']> {
  const reply = await bench.call('POST', path, { body: { ...TARGET, ...body } });
  expect([reply.status, reply.body.code]).toEqual([201, undefined]);
  return reply.body;
}

const read = async (destinationId: string) => (await bench.call('GET', `${path}/${destinationId}`)).body;
const stored = (destinationId: string) => bench.db('destinations').where({ id: destinationId }).first();

describe('a destination', () => {
  it('is shown with its defaults and a state, and without any secret', async () => {
    const reply = await bench.call('POST', path, { body: TARGET });
    expect(reply.status).toBe(201);
    expect(reply.headers.get('location')).toBe(`${path}/${reply.body.id}`);
    expect(reply.body).toEqual({
      id: expect.stringMatching(/^dst_[0-9a-z]{26}$/),
      name: null,
      platform: null,
      url: 'rtmp://a.test:1936/live/…',
      enabled: true,
      rendition: 'source',
      slate: true,
      status: 'idle',
      attempts: 0,
      lastError: null,
      nextAttemptAt: null,
      bytesSent: 0,
      startedAt: null,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    expect(await read(reply.body.id)).toEqual(reply.body);
    expect((await bench.call('GET', path)).body).toEqual({ data: [reply.body], nextCursor: null });
  });

  it('of a well-known platform needs a key alone', async () => {
    for (const platform of PLATFORM_IDS) {
      const { body } = await bench.call('POST', path, { body: { platform, streamKey: 'key-secret' } });
      expect(body).toMatchObject({ platform, url: expect.stringMatching(/^rtmps?:\/\/[^/]+\/\w+\/…$/) });
    }
  });

  it('shows what its workflow wrote of it, and what to do', async () => {
    const destination = await add();
    const at = '2030-01-01T00:00:00.000Z';
    const lastError = { code: 'destination_lost' as const, message: 'The platform closed the connection.' };
    await createCatalog(bench.db).record({
      streamId: id,
      version: 100,
      status: 'live',
      disabled: false,
      broadcastId: 'b',
      events: [],
      restreams: [{ destinationId: destination.id, status: 'retrying', attempts: 3, lastError, nextAttemptAt: at, startedAt: at }],
    });
    expect(await read(destination.id)).toMatchObject({ status: 'retrying', attempts: 3, lastError, nextAttemptAt: at, startedAt: at });
  });

  it('comes with its stream, in the order given, and goes with it', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `d${index}`);
    const { body, text } = await bench.call('POST', '/v1/streams', { body: { destinations: names.map((name) => ({ ...TARGET, name })) } });
    for (const secret of SECRETS) expect(text).not.toContain(secret);
    expect(body.destinations.map(({ name }: { name: string }) => name)).toEqual(names);
    const list = `/v1/streams/${body.id}/destinations`;
    const first = (await bench.call('GET', list)).body;
    const second = (await bench.call('GET', `${list}?cursor=${first.nextCursor}`)).body;
    expect([...first.data, ...second.data]).toEqual(body.destinations);
    expect([first.data.length, second.nextCursor]).toEqual([20, null]);
    await bench.call('DELETE', `/v1/streams/${body.id}`);
    expect((await bench.call('GET', list)).body.code).toBe('stream_not_found');
  });

  it('is not found under another stream', async () => {
    const { id: destinationId } = await add();
    const other = await bench.createStream();
    for (const [method, suffix] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['POST', '/start'],
    ]) {
      const reply = await bench.call(method!, `/v1/streams/${other.id}/destinations/${destinationId}${suffix}`);
      expect([reply.status, reply.body.code]).toEqual([404, 'destination_not_found']);
    }
    expect((await read(destinationId)).id).toBe(destinationId);
  });

  it('is made once per Idempotency-Key, of which nothing readable is kept', async () => {
    const options = { body: TARGET, headers: { 'idempotency-key': `once-${id}` } };
    const replies = await Promise.all([1, 2, 3].map(() => bench.call('POST', path, options)));
    expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
    expect((await bench.call('GET', path)).body.data).toHaveLength(1);
    const dump = JSON.stringify([await bench.db('idempotency_keys'), await bench.db('destinations'), await bench.db('events')]);
    for (const secret of [...SECRETS, 'a.test']) expect(dump).not.toContain(secret);
  });

  it('needs the right permission, and a token for its stream', async () => {
    const { id: destinationId } = await add();
    const as = async (permission: 'stream:read' | 'stream:write', streamId = id) => ({
      authorization: await bench.bearer({ permissions: [permission], streamId }),
    });
    const statuses = async (options: CallOptions) => {
      const replies = [];
      for (const [method, place] of [
        ['GET', path],
        ['POST', path],
        ['PATCH', `${path}/${destinationId}`],
        ['POST', `${path}/${destinationId}/stop`],
      ]) {
        replies.push((await bench.call(method!, place!, { body: method === 'GET' ? undefined : {}, ...options })).status);
      }
      return replies;
    };
    expect(await statuses(await as('stream:read'))).toEqual([200, 403, 403, 403]);
    expect(await statuses(await as('stream:write'))).toEqual([403, 400, 200, 200]);
    expect(await statuses(await as('stream:write', `str_${'0'.repeat(26)}`))).toEqual([403, 403, 403, 403]);
  });

  it('may be on a private network where that is allowed', async () => {
    const api = await startApi({ db: bench.db, secrets: bench.secrets, temporalAddress: NO_TEMPORAL, allowPrivateAddresses: true });
    const reply = await request(api.baseUrl, 'POST', path, {
      body: { url: 'rtmp://127.0.0.1:1935/live/k' },
      authorization: basic(bench.key),
    });
    expect([reply.status, reply.body.url]).toEqual([201, 'rtmp://127.0.0.1:1935/live/…']);
    await api.stop();
  });
});

describe('changing a destination', () => {
  const patch = (destinationId: string, body: Record<string, unknown>) => bench.call('PATCH', `${path}/${destinationId}`, { body });

  it('changes what was sent alone', async () => {
    const { id: destinationId, ...before } = await add({ name: 'a' });
    const changed = await patch(destinationId, { rendition: 480, slate: false });
    expect(changed.body).toEqual({ id: destinationId, ...before, rendition: 480, slate: false, updatedAt: expect.any(String) });
    expect(await read(destinationId)).toEqual(changed.body);
    expect((await patch(destinationId, {})).body).toMatchObject({ name: 'a', rendition: 480 });
    expect(bench.secrets.decrypt((await stored(destinationId)).stream_key_encrypted)).toBe('key-secret');
  });

  it('may go to a platform and back, and never to both', async () => {
    const { id: destinationId } = await add();
    const platform = await patch(destinationId, { platform: 'twitch', streamKey: 'k' });
    expect(platform.body).toMatchObject({ platform: 'twitch', url: 'rtmp://live.twitch.tv/app/…' });
    const own = await patch(destinationId, { url: 'rtmp://b.test/app/k', streamKey: null });
    expect(own.body).toMatchObject({ platform: null, url: 'rtmp://b.test/app/…' });
    expect((await patch(destinationId, { url: 'rtmp://b.test/app/k', platform: 'kick' })).body.code).toBe('invalid_request');
  });

  it('does not carry the key to another host', async () => {
    const { id: destinationId } = await add();
    const before = await stored(destinationId);
    for (const body of [{ url: 'rtmp://thief.test/live' }, { platform: 'youtube' }]) {
      const reply = await patch(destinationId, body);
      expect([reply.status, reply.body.code, reply.body.errors[0].path]).toEqual([400, 'invalid_request', 'streamKey']);
    }
    expect(await stored(destinationId)).toEqual(before);
    expect((await patch(destinationId, { url: 'rtmps://a.test/other' })).status).toBe(200);
    expect((await patch(destinationId, { url: 'rtmp://b.test/live', streamKey: 'new' })).status).toBe(200);
  });

  it.each([
    ['to a bad URL', { url: 'http://a.test/live', streamKey: 'k' }, 'destination_url_invalid'],
    ['to a private address', { url: 'rtmp://10.0.0.1/live', streamKey: 'k' }, 'destination_address_forbidden'],
    ['to no key at all', { streamKey: null, url: 'rtmp://a.test/live' }, 'destination_url_invalid'],
    ['of an unknown field', { key: 'k' }, 'unknown_field'],
    ['of its state', { status: 'live' }, 'unknown_field'],
  ])('%s is refused and changes nothing', async (_name, body, code) => {
    const { id: destinationId } = await add();
    const before = await stored(destinationId);
    const reply = await patch(destinationId, { name: 'changed', ...body });
    expect([reply.status, reply.body.code]).toEqual([400, code]);
    expect(await stored(destinationId)).toEqual(before);
  });
});

describe('while a broadcast runs, the workflow is told', () => {
  beforeEach(goLive);

  it('of a new destination, unless it is not enabled', async () => {
    const one = await add();
    expect(one).toMatchObject({ status: 'starting', attempts: 7 });
    const two = await add({ enabled: false });
    expect(two.status).toBe('idle');
    expect(await told()).toEqual([['start', one.id]]);
  });

  it('once of a create that is repeated', async () => {
    const options = { body: TARGET, headers: { 'idempotency-key': `live-${id}` } };
    const first = await bench.call('POST', path, options);
    // As if the process had been killed before it wrote the answer.
    await bench
      .db('idempotency_keys')
      .where({ key: `live-${id}` })
      .update({ answer_encrypted: null, status: null, owned_until: new Date(0) });
    const second = await bench.call('POST', path, options);
    expect([second.status, second.body]).toEqual([201, first.body]);
    expect(await told()).toEqual([['start', first.body.id]]);
  });

  it('of changes, by what they mean', async () => {
    const { id: destinationId } = await add();
    const patch = (body: Record<string, unknown>) => bench.call('PATCH', `${path}/${destinationId}`, { body });
    expect((await patch({ name: 'n' })).body.status).toBe('starting');
    expect((await patch({ enabled: false })).body).toMatchObject({ enabled: false, status: 'ended' });
    await patch({ enabled: false, slate: false });
    await patch({ slate: true });
    await patch({ enabled: true });
    await patch({ enabled: true });
    expect((await told()).map(([command]) => command)).toEqual([
      'start',
      'changed',
      'stop',
      'stop',
      'changed',
      'start',
      'changed',
      'changed',
    ]);
  });

  it('of commands, which answer the state they led to', async () => {
    const { id: destinationId } = await add({ enabled: false });
    for (const [command, status] of [
      ['start', 'starting'],
      ['retry', 'starting'],
      ['stop', 'ended'],
    ]) {
      const reply = await bench.call('POST', `${path}/${destinationId}/${command}`);
      expect([reply.status, reply.body.status, reply.body.id]).toEqual([202, status, destinationId]);
    }
    expect(await told()).toEqual([
      ['start', destinationId],
      ['retry', destinationId],
      ['stop', destinationId],
    ]);
  });

  it('of a deletion before the destination is gone', async () => {
    const { id: destinationId } = await add();
    const reply = await bench.call('DELETE', `${path}/${destinationId}`);
    expect([reply.status, reply.body]).toEqual([200, { id: destinationId, deleted: true }]);
    expect(await told()).toEqual([
      ['start', destinationId],
      ['removed', destinationId],
    ]);
    expect((await bench.call('GET', `${path}/${destinationId}`)).body.code).toBe('destination_not_found');
    expect((await bench.call('DELETE', `${path}/${destinationId}`)).status).toBe(404);
  });

  it('and if it cannot be, nothing is half done', async () => {
    const { id: destinationId } = await add();
    const before = await stored(destinationId);
    const api = await startApi({ db: bench.db, secrets: bench.secrets, temporalAddress: NO_TEMPORAL });
    const call = async (method: string, suffix: string, body?: unknown) => {
      const reply = await request(api.baseUrl, method, `${path}${suffix}`, { body, authorization: basic(bench.key) });
      expect([reply.status, reply.body.code]).toEqual([503, 'temporal_unavailable']);
    };
    await call('POST', '', TARGET);
    await call('PATCH', `/${destinationId}`, { enabled: false });
    await call('DELETE', `/${destinationId}`);
    for (const command of ['start', 'stop', 'retry']) await call('POST', `/${destinationId}/${command}`);
    await api.stop();
    expect((await bench.call('GET', path)).body.data).toHaveLength(1);
    expect(await stored(destinationId)).toMatchObject({ enabled: before.enabled, revision: before.revision });
  });
});

describe('without a broadcast', () => {
  it('destinations are edited though neither Temporal nor a worker answers', async () => {
    const api = await startApi({ db: bench.db, secrets: bench.secrets, temporalAddress: NO_TEMPORAL });
    const call = (method: string, suffix: string, body?: unknown) =>
      request(api.baseUrl, method, `${path}${suffix}`, { body, authorization: basic(bench.key) });
    const created = await call('POST', '', TARGET);
    expect(created.status).toBe(201);
    expect((await call('PATCH', `/${created.body.id}`, { enabled: false })).body.enabled).toBe(false);
    expect((await call('DELETE', `/${created.body.id}`)).status).toBe(200);
    await api.stop();
    expect(await told()).toEqual([]);
  });

  it('start and retry are refused, and stop has nothing to do', async () => {
    const { id: destinationId } = await add();
    const command = async (name: string) => {
      const { status, body } = await bench.call('POST', `${path}/${destinationId}/${name}`);
      return [status, body.code ?? body.status];
    };
    for (const name of ['start', 'retry']) expect(await command(name)).toEqual([409, 'stream_not_live']);
    expect(await command('stop')).toEqual([200, 'idle']);
  });

  it('a destination made just when one ends is kept', async () => {
    await goLive();
    await workflow().signal(liveSignal, false);
    const destination = await add();
    expect(destination.status).toBe('idle');
    expect((await bench.call('DELETE', `${path}/${destination.id}`)).status).toBe(200);
  });
});

describe('a stream of Holdfast itself, without a broadcast', () => {
  it('answers commands to its destinations the same', async () => {
    const real = await createApiBench();
    const stream = await real.createStream({ destinations: [TARGET] });
    const destination = `/v1/streams/${stream.id}/destinations/${stream.destinations[0].id}`;
    const command = async (name: string) => {
      const { status, body } = await real.call('POST', `${destination}/${name}`);
      return [status, body.code ?? body.status];
    };
    expect(await command('start')).toEqual([409, 'stream_not_live']);
    expect(await command('retry')).toEqual([409, 'stream_not_live']);
    expect(await command('stop')).toEqual([200, 'idle']);
    await real.call('POST', `/v1/streams/${stream.id}/end`);
    expect(await command('start')).toEqual([409, 'stream_ended']);
    expect(await command('stop')).toEqual([200, 'idle']);
    await real.close();
  });
});

describe('of an ended stream', () => {
  it('destinations can be edited and removed, not added, and nothing can be sent to them', async () => {
    const { id: destinationId } = await add();
    await bench.call('POST', `/v1/streams/${id}/end`);
    const command = async (name: string) => {
      const { status, body } = await bench.call('POST', `${path}/${destinationId}/${name}`);
      return [status, body.code ?? body.status];
    };
    // The workflow has completed; Postgres does not know yet, then it does.
    for (const projected of ['idle', 'ended']) {
      await bench.db('streams').where({ id }).update({ status: projected });
      for (const name of ['start', 'retry']) expect(await command(name)).toEqual([409, 'stream_ended']);
      expect(await command('stop')).toEqual([200, 'idle']);
    }
    const added = await bench.call('POST', path, { body: TARGET });
    expect([added.status, added.body.code]).toEqual([409, 'stream_ended']);
    expect((await bench.call('PATCH', `${path}/${destinationId}`, { body: { name: 'late' } })).body.name).toBe('late');
    expect((await bench.call('DELETE', `${path}/${destinationId}`)).status).toBe(200);
  });
});
