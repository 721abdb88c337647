import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic, createApiBench, request, startApi, type ApiBench } from './support.js';

let bench: ApiBench;
beforeAll(async () => {
  bench = await createApiBench();
});
afterAll(() => bench.close());

describe('the log', () => {
  it('has no stream key, secret or token, whatever is asked and whatever fails', async () => {
    const { id, streamKey } = await bench.createStream({ name: 'Secret show' });
    const token = (await bench.call('POST', '/v1/tokens', { body: {} })).body.token as string;
    const rotated = (await bench.call('POST', `/v1/streams/${id}/rotate-key`)).body.streamKey as string;
    await bench.call('GET', `/v1/streams/${id}`, { authorization: `Bearer ${token}` });
    await bench.call('GET', `/v1/streams/${streamKey}`);
    await bench.call('GET', `/v1/${streamKey}?token=${token}`);
    await bench.call('POST', '/v1/streams', { body: { streamKey } });
    await bench.call('POST', '/v1/streams', { body: `{"broken": "${streamKey}` });
    await bench.call('GET', '/v1/streams', { authorization: basic({ ...bench.key, apiSecret: `${bench.key.apiSecret}x` }) });
    await bench.call('POST', '/v1/streams', { headers: { 'idempotency-key': streamKey, 'x-request-id': 'mine' } });
    // A fault of our own: the stored key cannot be decrypted.
    await bench.db('streams').where({ id }).update({ stream_key_encrypted: 'v1.broken' });
    const failed = await bench.call('GET', `/v1/streams/${id}`);
    expect([failed.status, failed.body.code, failed.body.detail]).toEqual([500, 'internal', failed.body.title]);
    await bench.call('DELETE', `/v1/streams/${id}`);

    const log = bench.logged.join('');
    expect(log).toContain('"route":"/v1/streams/{streamId}"');
    expect(log).toContain('"requestId":"mine"');
    expect(log).toContain('cannot be decrypted');
    const [, payload, signature] = token.split('.');
    for (const secret of [streamKey, rotated, bench.key.apiSecret, payload!, signature!, basic(bench.key).slice(6), 'Secret show']) {
      expect(log).not.toContain(secret);
    }
  });
});

describe('too many requests', () => {
  it('of one key are answered 429, those of others are not', async () => {
    const LIMIT = 5;
    const api = await startApi({ db: bench.db, secrets: bench.secrets, temporalAddress: '127.0.0.1:1', requestsPerMinute: LIMIT });
    const { createApiKeyRepository } = await import('../../db/repositories/api-keys.js');
    const other = { apiKey: 'hf_quiet', apiSecret: 'secret' };
    await createApiKeyRepository(bench.db, bench.secrets).put('quiet', other);
    const list = (authorization: string) => request(api.baseUrl, 'GET', '/v1/streams', { authorization });
    for (let n = 0; n < LIMIT; n++) expect((await list(basic(bench.key))).status).toBe(200);
    const limited = await list(await bench.bearer({}));
    expect([limited.status, limited.body.code]).toEqual([429, 'rate_limited']);
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await list(basic(other))).status).toBe(200);
    expect((await request(api.baseUrl, 'GET', '/healthz')).status).toBe(200);
    await api.stop();
  });

  it('with wrong credentials lock out their address, before the database is asked', async () => {
    const LIMIT = 3;
    const api = await startApi({ db: bench.db, secrets: bench.secrets, temporalAddress: '127.0.0.1:1', requestsPerMinute: LIMIT });
    const wrong = () => request(api.baseUrl, 'GET', '/v1/streams', { authorization: basic({ ...bench.key, apiSecret: 'wrong' }) });
    for (let n = 0; n < LIMIT; n++) expect((await wrong()).status).toBe(401);
    expect((await wrong()).status).toBe(429);
    await api.stop();
  });
});
