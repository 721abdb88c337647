import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Permission } from '../../platform/auth/permissions.js';
import { basic, createApiBench, type ApiBench } from './support.js';

let bench: ApiBench;
let mine: string;
let other: string;
beforeAll(async () => {
  bench = await createApiBench();
  mine = (await bench.createStream()).id;
  other = (await bench.createStream()).id;
});
afterAll(() => bench.close());

const json = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token made by hand, as any app server could. */
function handmade(claims: object, { header = { alg: 'HS256', typ: 'JWT' }, secret = bench.key.apiSecret, hash = 'sha256' } = {}): string {
  const signed = `${json(header)}.${json(claims)}`;
  return `Bearer ${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`;
}

const now = (): number => Math.floor(Date.now() / 1000);
const claims = (changes: object = {}) => ({
  apikey: bench.key.apiKey,
  iat: now(),
  exp: now() + 60,
  permissions: ['stream:read'],
  ...changes,
});

describe('a credential', () => {
  it('is a token the app server signed itself', async () => {
    expect((await bench.call('GET', '/v1/streams', { authorization: handmade(claims()) })).status).toBe(200);
  });

  it('is a token from the tokens endpoint', async () => {
    const reply = await bench.call('POST', '/v1/tokens', { body: { permissions: ['stream:read'], streamId: mine, expiresInSeconds: 90 } });
    expect(reply.status).toBe(201);
    const listed = await bench.call('GET', '/v1/streams', { authorization: `Bearer ${reply.body.token}` });
    expect(listed.body.data.map((stream: { id: string }) => stream.id)).toEqual([mine]);
    expect(Date.parse(reply.body.expiresAt)).toBeGreaterThan(Date.now());
  });

  const withoutExp = () => {
    const { exp: _exp, ...rest } = claims();
    return rest;
  };
  it.each<[string, () => string | null, string]>([
    ['that is missing', () => null, 'unauthenticated'],
    ['of an unknown scheme', () => 'Digest abc', 'unauthenticated'],
    ['that is only a scheme', () => 'Bearer', 'unauthenticated'],
    ['with a wrong secret', () => basic({ ...bench.key, apiSecret: 'wrong' }), 'invalid_credentials'],
    ['with an unknown key', () => basic({ ...bench.key, apiKey: 'hf_unknown' }), 'invalid_credentials'],
    ['with an empty secret and an unknown key', () => basic({ apiKey: 'x', apiSecret: '' }), 'invalid_credentials'],
    ['with NUL in the key', () => basic({ ...bench.key, apiKey: 'a\0b' }), 'invalid_credentials'],
    ['without a colon', () => `Basic ${Buffer.from('abc').toString('base64')}`, 'invalid_credentials'],
    ['that is no JWT', () => 'Bearer abc', 'invalid_credentials'],
    ['signed with another secret', () => handmade(claims(), { secret: 'wrong' }), 'invalid_credentials'],
    ['of an unknown key', () => handmade(claims({ apikey: 'hf_unknown' })), 'invalid_credentials'],
    ['without a key', () => handmade(claims({ apikey: undefined })), 'invalid_credentials'],
    ['with no signature at all', () => `Bearer ${json({ alg: 'none' })}.${json(claims())}.`, 'invalid_credentials'],
    ['with another algorithm', () => handmade(claims(), { header: { alg: 'HS512', typ: 'JWT' }, hash: 'sha512' }), 'invalid_credentials'],
    ['that has expired', () => handmade(claims({ iat: now() - 120, exp: now() - 60 })), 'token_expired'],
    ['that never expires', () => handmade(withoutExp()), 'invalid_credentials'],
    ['that lives too long', () => handmade(claims({ exp: now() + 366 * 86_400 })), 'invalid_credentials'],
    ['from the future', () => handmade(claims({ iat: now() + 3600, exp: now() + 7200 })), 'invalid_credentials'],
    ['with an unknown permission', () => handmade(claims({ permissions: ['root'] })), 'invalid_credentials'],
    ['with permissions that are no list', () => handmade(claims({ permissions: 'admin' })), 'invalid_credentials'],
  ])('%s is answered 401 with a challenge', async (_name, authorization, code) => {
    const reply = await bench.call('GET', '/v1/streams', { authorization: authorization() });
    expect([reply.status, reply.body.code]).toEqual([401, code]);
    expect(reply.headers.get('www-authenticate')).toMatch(/^Bearer .*Basic /);
  });

  it('that is wrong is answered the same, whether key or secret was wrong', async () => {
    const wrong = await Promise.all(
      [
        { ...bench.key, apiSecret: 'wrong' },
        { ...bench.key, apiKey: 'hf_wrong' },
      ].map((pair) => bench.call('GET', '/v1/streams', { authorization: basic(pair), headers: { 'x-request-id': 'same' } })),
    );
    expect(wrong[0]!.text).toBe(wrong[1]!.text);
  });

  it('of a revoked key is refused', async () => {
    const pair = { apiKey: 'hf_revoked', apiSecret: 'secret' };
    const { createApiKeyRepository } = await import('../../platform/db/repositories/api-keys.js');
    const apiKeys = createApiKeyRepository(bench.db, bench.secrets);
    await apiKeys.put('revoked', pair);
    expect((await bench.call('GET', '/v1/streams', { authorization: basic(pair) })).status).toBe(200);
    await apiKeys.revoke(pair.apiKey);
    expect((await bench.call('GET', '/v1/streams', { authorization: basic(pair) })).status).toBe(401);
  });
});

describe('permissions', () => {
  const ALL: Permission[] = ['stream:read', 'stream:write', 'stream:publish', 'playback', 'admin'];
  /** Method, path, and who may. Paths that change something name no stream, so that being let through does no harm. */
  const NOBODY = `str_${'z'.repeat(26)}`;
  it.each<[string, string, Permission[]]>([
    ['GET', '/v1/streams', ['stream:read', 'admin']],
    ['GET', `/v1/streams/${NOBODY}`, ['stream:read', 'stream:publish', 'admin']],
    ['GET', `/v1/streams/${NOBODY}/events`, ['stream:read', 'admin']],
    ['GET', `/v1/streams/${NOBODY}/broadcasts`, ['stream:read', 'admin']],
    ['GET', `/v1/streams/${NOBODY}/recordings`, ['stream:read', 'admin']],
    ['GET', '/v1/broadcasts/b', ['stream:read', 'admin']],
    ['GET', '/v1/recordings/r', ['stream:read', 'admin']],
    ['POST', '/v1/streams', ['stream:write', 'admin']],
    ['PATCH', `/v1/streams/${NOBODY}`, ['stream:write', 'admin']],
    ['DELETE', `/v1/streams/${NOBODY}`, ['stream:write', 'admin']],
    ['POST', `/v1/streams/${NOBODY}/end`, ['stream:write', 'admin']],
    ['POST', `/v1/streams/${NOBODY}/enable`, ['stream:write', 'admin']],
    ['POST', `/v1/streams/${NOBODY}/disable`, ['stream:write', 'admin']],
    ['POST', `/v1/streams/${NOBODY}/rotate-key`, ['stream:write', 'admin']],
    ['POST', '/v1/tokens', []],
  ])('%s %s is for those who hold them, and 403 for all others', async (method, path, allowed) => {
    const admitted: Permission[] = [];
    for (const permission of ALL) {
      const reply = await bench.call(method, path, { authorization: await bench.bearer({ permissions: [permission] }) });
      if (reply.status !== 403) admitted.push(permission);
      else expect(reply.body.code).toBe('forbidden');
    }
    expect(admitted).toEqual(allowed);
  });

  it('decide who sees the stream key', async () => {
    const keyFor = async (...permissions: Permission[]) => {
      const { body } = await bench.call('GET', `/v1/streams/${mine}`, { authorization: await bench.bearer({ permissions }) });
      return body.streamKey !== undefined;
    };
    expect(await keyFor('stream:read')).toBe(false);
    expect(await keyFor('stream:publish')).toBe(true);
    expect(await keyFor('stream:read', 'stream:write')).toBe(true);
    expect(await keyFor('admin')).toBe(true);
  });
});

describe('a token for one stream', () => {
  it('reads and changes that one', async () => {
    const authorization = await bench.bearer({ streamId: mine });
    expect((await bench.call('GET', `/v1/streams/${mine}`, { authorization })).status).toBe(200);
    expect((await bench.call('PATCH', `/v1/streams/${mine}`, { authorization, body: { name: 'a' } })).status).toBe(200);
  });

  it('lists only that one', async () => {
    const { body } = await bench.call('GET', '/v1/streams', { authorization: await bench.bearer({ streamId: mine }) });
    expect(body.data.map((stream: { id: string }) => stream.id)).toEqual([mine]);
  });

  it.each([
    ['GET', ''],
    ['PATCH', ''],
    ['DELETE', ''],
    ['GET', '/events'],
    ['GET', '/broadcasts'],
    ['GET', '/recordings'],
    ['POST', '/end'],
    ['POST', '/disable'],
    ['POST', '/enable'],
    ['POST', '/rotate-key'],
  ])('is refused %s …%s of another, known or not', async (method, path) => {
    const authorization = await bench.bearer({ streamId: mine });
    for (const id of [other, `str_${'z'.repeat(26)}`]) {
      const reply = await bench.call(method, `/v1/streams/${id}${path}`, { authorization });
      expect([reply.status, reply.body.code]).toEqual([403, 'forbidden']);
    }
  });

  it('creates no streams', async () => {
    const reply = await bench.call('POST', '/v1/streams', { authorization: await bench.bearer({ streamId: mine }) });
    expect([reply.status, reply.body.code]).toEqual([403, 'forbidden']);
  });
});
