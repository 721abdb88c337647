import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { HostRoom, PublishClaims } from '../../../domain/contracts/publish-claims.js';
import { createPublishClaims } from '../../../platform/db/repositories/publish-claims.js';
import { createStreamRepository } from '../../../platform/db/repositories/streams.js';
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

const ROOMY: HostRoom = { streams: 1000, refusal: 'host_full' };
const claim = (publishId: string, hostId = 'a', streamKey = `sk_${streamId}`, room = ROOMY) =>
  claims.claim({ streamKey, hostId, publishId: `${streamId}/${publishId}`, remoteAddress: '203.0.113.1:5000', room });
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

describe('a host without room', () => {
  const NONE: HostRoom = { streams: 0, refusal: 'host_draining' };
  const addBroadcast = (hostId: string, endedAt: Date | null = null) =>
    bench.db('broadcasts').insert({
      id: `brd_${streamId}_${hostId}`,
      stream_id: streamId,
      host_id: hostId,
      status: endedAt ? 'ended' : 'reconnecting',
      renditions: '[]',
      started_at: new Date(),
      ended_at: endedAt,
    });

  it('refuses a new stream, with its reason, and leaves no trace', async () => {
    expect(await claim('1', `full-${streamId}`, undefined, NONE)).toEqual({ accepted: false, code: 'host_draining' });
    expect(await claims.openStreams(`full-${streamId}`)).toBe(0);
  });

  it('takes back a publisher whose broadcast is on it, but not one whose broadcast has ended or is elsewhere', async () => {
    const host = `host-${streamId}`;
    await addBroadcast('elsewhere');
    await addBroadcast('before', new Date());
    expect(await claim('1', host, undefined, NONE)).toMatchObject({ accepted: false });
    expect(await claim('1', 'before', undefined, NONE)).toMatchObject({ accepted: false });
    await addBroadcast(host);
    expect(await claims.openStreams(host)).toBe(1);
    expect(await claim('2', host, undefined, NONE)).toMatchObject({ accepted: true });
    expect(await claims.openStreams(host)).toBe(1);
  });

  it('gives its last place to one of many that come at once', async () => {
    const host = `host-${streamId}`;
    const many = Array.from({ length: 6 }, (_value, index) => `${streamId}_${index}`);
    await Promise.all(many.map((id) => bench.addStream(id)));
    const room: HostRoom = { streams: 1, refusal: 'host_full' };
    const results = await Promise.all(many.map((id) => claim(id, host, `sk_${id}`, room)));
    expect(results.filter(({ accepted }) => accepted)).toHaveLength(1);
    expect(results.filter((result) => !result.accepted && result.code === 'host_full')).toHaveLength(5);
  });
});

describe('a second publisher', () => {
  it('of another host is refused while the first is renewed, and accepted once its lease is over', async () => {
    await claim('1', 'a');
    expect(await claim('2', 'b')).toEqual({ accepted: false, code: 'publish_already' });
    expect(await renew('1')).toBe(true);
    await bench
      .db('publish_claims')
      .where({ stream_id: streamId })
      .update({ expires_at: new Date(0) });
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
