import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPublishClaims } from '../../platform/db/repositories/publish-claims.js';
import { type ApiBench, createApiBench } from './support.js';

let bench: ApiBench;
beforeAll(async () => {
  bench = await createApiBench();
});
afterAll(() => bench.close());

it('a media host that is drained takes no new stream until it is resumed; one that has a broadcast there may come back', async () => {
  const [running, late] = [await bench.createStream(), await bench.createStream()];
  const claims = createPublishClaims(bench.db, bench.secrets);
  const claim = (streamKey: string, publishId: string, hostId = 'media-1') =>
    claims.claim({ streamKey, publishId, hostId, remoteAddress: '203.0.113.1:5000', room: { streams: 10, refusal: 'host_full' } });

  expect((await bench.call('GET', '/v1/hosts/media-1')).body).toEqual({ id: 'media-1', drainedAt: null, openStreams: 0 });
  expect(await claim(running.streamKey, 'pub_1')).toMatchObject({ accepted: true });
  const drained = await bench.call('POST', '/v1/hosts/media-1/drain');
  expect(drained.status).toBe(200);
  expect(drained.body).toEqual({ id: 'media-1', drainedAt: expect.stringMatching(/Z$/), openStreams: 1 });
  expect((await bench.call('POST', '/v1/hosts/media-1/drain')).body).toEqual(drained.body);

  expect(await claim(late.streamKey, 'pub_2')).toEqual({ accepted: false, code: 'host_draining' });
  expect(await claim(running.streamKey, 'pub_3')).toMatchObject({ accepted: true });
  expect(await claim(late.streamKey, 'pub_4', 'media-2')).toMatchObject({ accepted: true });
  await claims.release('pub_4');

  expect((await bench.call('POST', '/v1/hosts/media-1/resume')).body).toEqual({ id: 'media-1', drainedAt: null, openStreams: 1 });
  expect(await claim(late.streamKey, 'pub_5')).toMatchObject({ accepted: true });
});

it.each([
  ['without admin', { permissions: ['stream:read', 'stream:write'] as const }],
  ['with a token for one stream', { permissions: ['admin'] as const, streamId: 'str_00000000000000000000000000' }],
])('is not for callers %s', async (_name, token) => {
  const authorization = await bench.bearer({ ...token, permissions: [...token.permissions] });
  for (const [method, path] of [
    ['GET', ''],
    ['POST', '/drain'],
    ['POST', '/resume'],
  ] as const) {
    expect((await bench.call(method, `/v1/hosts/media-9${path}`, { authorization })).status).toBe(403);
  }
  expect((await bench.call('GET', '/v1/hosts/media-9')).body).toMatchObject({ drainedAt: null });
});
