import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashRequest, scopeOf } from '../../api/middleware/idempotency.js';
import { createIdempotencyRepository, WHOLE_KEY } from '../../platform/db/repositories/idempotency.js';
import type { Permission } from '../../platform/auth/permissions.js';
import { basic, createApiBench, type ApiBench, type Reply } from './support.js';

let bench: ApiBench;
beforeAll(async () => {
  bench = await createApiBench();
});
afterAll(() => bench.close());

const create = (key: string, body: unknown = { name: 'once' }): Promise<Reply> =>
  bench.call('POST', '/v1/streams', { body, headers: { 'idempotency-key': key } });

const countStreams = async (): Promise<number> => (await bench.db('streams')).length;

describe('with an Idempotency-Key', () => {
  it('ten creates at once make one stream and get one answer', async () => {
    const before = await countStreams();
    const replies = await Promise.all(Array.from({ length: 10 }, () => create('ten')));
    expect(replies.map((reply) => reply.status)).toEqual(Array(10).fill(201));
    expect(new Set(replies.map((reply) => reply.text)).size).toBe(1);
    expect(replies[0]!.body.streamKey).toMatch(/^sk_/);
    expect(replies.filter((reply) => reply.headers.get('idempotency-replayed') === 'true')).toHaveLength(9);
    expect(await countStreams()).toBe(before + 1);
  });

  it('a repeated create repeats the answer, headers included', async () => {
    const [first, second] = [await create('again'), await create('again')];
    expect([second.status, second.text]).toEqual([first.status, first.text]);
    expect(second.headers.get('location')).toBe(first.headers.get('location'));
    expect([first, second].map((reply) => reply.headers.get('idempotency-replayed'))).toEqual([null, 'true']);
  });

  it('another body, or another address, is refused', async () => {
    const { body } = await create('other');
    const changed = await create('other', { name: 'twice' });
    expect([changed.status, changed.body.code]).toEqual([422, 'idempotency_mismatch']);
    const elsewhere = await bench.call('POST', `/v1/streams/${body.id}/end`, { headers: { 'idempotency-key': 'other' } });
    expect([elsewhere.status, elsewhere.body.code]).toEqual([422, 'idempotency_mismatch']);
  });

  it('the key of somebody else is another key', async () => {
    const first = await create('mine');
    const pair = { apiKey: 'hf_else', apiSecret: 'secret' };
    const { createApiKeyRepository } = await import('../../platform/db/repositories/api-keys.js');
    await createApiKeyRepository(bench.db, bench.secrets).put('else', pair);
    const headers = { 'idempotency-key': 'mine' };
    const second = await bench.call('POST', '/v1/streams', { body: { name: 'once' }, headers, authorization: basic(pair) });
    expect(second.status).toBe(201);
    expect(second.body.id).not.toBe(first.body.id);
  });

  it('an answer is repeated to the rights it was given to alone', async () => {
    const { body } = await create('narrow');
    const headers = { 'idempotency-key': 'narrow' };
    const asked = { body: { name: 'once' }, headers };
    const narrowed = await bench.call('POST', '/v1/streams', {
      ...asked,
      authorization: await bench.bearer({ streamId: (await bench.createStream()).id, permissions: ['stream:write'] }),
    });
    expect([narrowed.status, narrowed.body.code]).toEqual([403, 'forbidden']);
    expect(narrowed.text).not.toContain(body.streamKey);
    const reader = await bench.call('POST', '/v1/streams', {
      ...asked,
      authorization: await bench.bearer({ permissions: ['stream:read'] }),
    });
    expect(reader.status).toBe(403);
    const writer = await bench.call('POST', '/v1/streams', {
      ...asked,
      authorization: await bench.bearer({ permissions: ['stream:write'] }),
    });
    expect(writer.status).toBe(201);
    expect(writer.body.id).not.toBe(body.id);
    const same = await bench.call('POST', '/v1/streams', { ...asked, authorization: await bench.bearer({ permissions: ['admin'] }) });
    expect([same.status, same.body.id]).toEqual([201, body.id]);
  });

  it('a token that Basic credentials were given is not given to a token', async () => {
    const asked = { body: { permissions: ['admin'] }, headers: { 'idempotency-key': 'token' } };
    expect((await bench.call('POST', '/v1/tokens', asked)).status).toBe(201);
    const reply = await bench.call('POST', '/v1/tokens', { ...asked, authorization: await bench.bearer({ permissions: ['admin'] }) });
    expect([reply.status, reply.body.code]).toEqual([403, 'forbidden']);
  });

  it('the same rights are the same scope, in whatever order a token names them', () => {
    const credential = (permissions: Permission[], streamId: string | null = null) =>
      scopeOf({ kind: 'token', apiKey: 'k', permissions, streamId });
    expect(credential(['stream:write', 'stream:read', 'stream:read'])).toBe(credential(['stream:read', 'stream:write']));
    expect(credential(['stream:read', 'admin'])).toBe(WHOLE_KEY);
    const others = [
      credential(['admin'], 'str_1'),
      credential(['admin'], 'str_2'),
      credential(['stream:read']),
      credential(['stream:read'], 'str_1'),
    ];
    expect(new Set([...others, WHOLE_KEY]).size).toBe(5);
  });

  it('a refusal is repeated too', async () => {
    const { id } = await bench.createStream();
    await bench.call('POST', `/v1/streams/${id}/end`);
    const enable = () => bench.call('POST', `/v1/streams/${id}/enable`, { headers: { 'idempotency-key': 'refused' } });
    const [first, second] = [await enable(), await enable()];
    expect([first.status, first.body.code]).toEqual([409, 'stream_ended']);
    expect(second.text).toBe(first.text);
    expect(second.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });

  it('a request that was not valid leaves the key free', async () => {
    expect((await create('typo', { nmae: 'a' })).status).toBe(400);
    expect((await create('typo', { name: 'a' })).status).toBe(201);
  });

  it('two ends at once answer the same', async () => {
    const { id } = await bench.createStream();
    const end = () => bench.call('POST', `/v1/streams/${id}/end`, { headers: { 'idempotency-key': 'end' } });
    const replies = await Promise.all([end(), end(), end()]);
    expect(replies.map((reply) => reply.status)).toEqual([202, 202, 202]);
    expect(new Set(replies.map((reply) => reply.text)).size).toBe(1);
  });

  it('a create whose process was killed is finished by the next one, with the same stream', async () => {
    const idempotency = createIdempotencyRepository(bench.db, bench.secrets);
    const sent = { name: 'crash' };
    const attempt = '01arz3ndektsv4rrffq69g5fav';
    const begun = await idempotency.begin({
      apiKey: bench.key.apiKey,
      scope: WHOLE_KEY,
      key: 'crash',
      requestHash: hashRequest('POST', '/v1/streams', sent),
      resourceId: attempt,
    });
    expect(begun.state).toBe('claimed');
    // Its lease has run out.
    await bench
      .db('idempotency_keys')
      .where({ key: 'crash' })
      .update({ owned_until: new Date(0) });
    const reply = await create('crash', sent);
    expect([reply.status, reply.body.id]).toEqual([201, `str_${attempt}`]);
    expect((await create('crash', sent)).text).toBe(reply.text);
  });

  it('what is kept of an answer is of no use to a reader of the database', async () => {
    const { body } = await create('dump');
    const dump = JSON.stringify([await bench.db('idempotency_keys'), await bench.db('streams'), await bench.db('api_keys')]);
    expect(dump).not.toContain(body.streamKey);
    expect(dump).not.toContain(bench.key.apiSecret);
  });

  it('keys that have expired are forgotten', async () => {
    const first = await create('old');
    await bench
      .db('idempotency_keys')
      .where({ key: 'old' })
      .update({ expires_at: new Date(0) });
    const second = await create('old');
    expect(second.body.id).not.toBe(first.body.id);
  });
});
