import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PublishClaims } from '../../contracts/publish-claims.js';
import { createPublishClaims } from '../../db/repositories/publish-claims.js';
import { createStreamRepository } from '../../db/repositories/streams.js';
import { createDatabaseBench, type DatabaseBench } from './support.js';

let bench: DatabaseBench;
let claims: PublishClaims;
let streamId: string;
let count = 0;
beforeAll(async () => {
  bench = await createDatabaseBench();
  claims = createPublishClaims(bench.db, bench.secrets);
});
beforeEach(async () => {
  count += 1;
  streamId = `str_${count}`;
  await bench.addStream(streamId);
});
afterAll(() => bench.close());

const claim = (publishId: string, hostId = 'a', streamKey = `sk_${streamId}`) =>
  claims.claim({ streamKey, hostId, publishId: `${streamId}/${publishId}`, remoteAddress: '203.0.113.1:5000' });
const renew = (publishId: string) => claims.renew(`${streamId}/${publishId}`);
const release = (publishId: string) => claims.release(`${streamId}/${publishId}`);
const set = (columns: Record<string, unknown>) => bench.db('streams').where({ id: streamId }).update(columns);

describe('a publisher', () => {
  it('is found by its key and takes the stream, numbered', async () => {
    expect(await claims.find(`sk_${streamId}`)).toBe(streamId);
    expect(await claim('1')).toEqual({ accepted: true, streamId, publishSeq: 1 });
    await release('1');
    expect(await claim('2', 'b')).toEqual({ accepted: true, streamId, publishSeq: 2 });
  });

  it.each([
    ['with an unknown key', {}, 'publish_unknown_key', 'sk_unknown'],
    ['of an ended stream', { status: 'ended' }, 'stream_ended', undefined],
    ['of an ended and disabled stream', { status: 'ended', disabled: true }, 'stream_ended', undefined],
    ['of a disabled stream', { disabled: true }, 'stream_disabled', undefined],
    ['of an ending stream', { status: 'ending' }, 'stream_ending', undefined],
    ['of a deleted stream', { deleted_at: new Date() }, 'publish_unknown_key', undefined],
  ])('%s is refused and leaves no trace', async (_name, columns, code, key) => {
    if (Object.keys(columns).length > 0) await set(columns);
    expect(await claim('1', 'a', key)).toEqual({ accepted: false, code });
    expect(await renew('1')).toBe(false);
    expect((await bench.db('streams').where({ id: streamId }).first()).publish_seq).toBe(0);
  });

  it.each(['idle', 'connecting', 'live', 'reconnecting'])('of a stream that is %s is accepted', async (status) => {
    await set({ status });
    expect(await claim('1')).toMatchObject({ accepted: true });
  });

  it('with a key that was replaced is unknown', async () => {
    await createStreamRepository(bench.db, bench.secrets).replaceStreamKey(streamId, `sk_new_${streamId}`);
    expect(await claim('1')).toEqual({ accepted: false, code: 'publish_unknown_key' });
    expect(await claim('2', 'a', `sk_new_${streamId}`)).toMatchObject({ accepted: true });
    expect(await claims.find(`sk_${streamId}`)).toBeNull();
  });
});

describe('a second publisher', () => {
  it('of another host is refused while the first is renewed, and accepted once its lease is over', async () => {
    await claim('1', 'a');
    expect(await claim('2', 'b')).toEqual({ accepted: false, code: 'publish_already' });
    expect(await renew('1')).toBe(true);
    await bench.db('publish_claims').where({ stream_id: streamId }).update({ expires_at: new Date(0) });
    expect(await claim('3', 'b')).toEqual({ accepted: true, streamId, publishSeq: 2 });
    expect(await renew('1')).toBe(false);
  });

  it('of the same host replaces the first, whose late farewell changes nothing', async () => {
    await claim('1', 'a');
    expect(await claim('2', 'a')).toEqual({ accepted: true, streamId, publishSeq: 2 });
    expect(await renew('1')).toBe(false);
    await release('1');
    expect(await renew('2')).toBe(true);
    expect(await claim('3', 'b')).toEqual({ accepted: false, code: 'publish_already' });
  });

  it('on ten hosts at once leaves one winner, numbered without holes', async () => {
    const results = await Promise.all(Array.from({ length: 10 }, (_, host) => claim(`p${host}`, `host-${host}`)));
    expect(results.filter((result) => result.accepted)).toEqual([{ accepted: true, streamId, publishSeq: 1 }]);
  });

  it('that was never there is released without complaint', async () => {
    await expect(release('nobody')).resolves.toBeUndefined();
  });
});
