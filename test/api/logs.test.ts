import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic, createApiBench, type ApiBench } from './support.js';

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

describe('the secrets of destinations', () => {
  it('are in no answer and no log line, whatever is asked and whatever fails', async () => {
    const { id } = await bench.createStream();
    const path = `/v1/streams/${id}/destinations`;
    const target = { url: 'rtmp://a.test/live?token=query-secret', streamKey: 'key-secret' };
    const { id: destinationId } = (await bench.call('POST', path, { body: target })).body;
    const texts: string[] = [];
    const call = async (method: string, suffix: string, body?: unknown) =>
      void texts.push((await bench.call(method, `${path}${suffix}`, { body })).text);
    await call('GET', '');
    await call('PATCH', `/${destinationId}`, { url: 'rtmp://a.test/live/key-secret?x=query-secret', streamKey: null });
    await call('PATCH', `/${destinationId}`, { url: 'rtmp://user:pass-secret@a.test/live', streamKey: 'key-secret' });
    await call('PATCH', `/${destinationId}`, { url: 'http://pass-secret@a.test/key-secret' });
    await call('PATCH', `/${destinationId}`, { streamKey: 'key-secret\n' });
    await call('POST', '', { url: 'rtmp://127.0.0.1/live/key-secret' });
    await call('POST', '', { 'key-secret-field': 1, platform: 'key-secret' });
    await call('POST', '', `{"broken": "key-secret"`);
    await call('POST', `/${destinationId}/start`);
    await bench.db('destinations').where({ id: destinationId }).update({ url_encrypted: 'v1.broken' });
    await call('GET', `/${destinationId}`);
    expect(texts.at(-1)).toContain('"code":"internal"');
    await call('DELETE', `/${destinationId}`);
    const [unknownField] = texts.splice(6, 1);
    expect(unknownField).toContain('unknown_field');
    const seen = texts.join('') + bench.logged.join('');
    expect(seen).toContain('"route":"/v1/streams/{streamId}/destinations/{destinationId}/start"');
    for (const secret of ['pass-secret', 'query-secret', 'key-secret']) expect(seen).not.toContain(secret);
  });
});
