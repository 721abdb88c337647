import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { StreamProjection } from '../../../domain/contracts/catalog.js';
import type { ClaimHolder, HostRoom, PublishClaims } from '../../../domain/contracts/publish-claims.js';
import { createCatalog } from '../../../platform/db/repositories/catalog.js';
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
  holders.clear();
  streamId = `str_${count}`;
  await bench.addStream(streamId);
});
afterAll(() => bench.close());

const HOLDER = { remoteAddress: '203.0.113.1:5000', hostId: 'a', publishSeq: 1 };
const ROOMY: HostRoom = { streams: 1000, refusal: 'host_full' };
const claim = (publishId: string, hostId = 'a', streamKey = `sk_${streamId}`, room = ROOMY) =>
  claims.claim({ streamKey, hostId, publishId: `${streamId}/${publishId}`, remoteAddress: '203.0.113.1:5000', room });
/** Numbers are times; what is expected of them is their order. */
const ACCEPTED = { accepted: true, publishSeq: expect.any(Number) };
/** Accepted publishes of the present stream, by name. */
const holders = new Map<string, ClaimHolder>();
const claimed = async (publishId: string, hostId = 'a', streamKey?: string): Promise<ClaimHolder> => {
  const result = await claim(publishId, hostId, streamKey);
  if (!result.accepted) throw new Error(result.code);
  const holder = { ...HOLDER, streamId, publishId: `${streamId}/${publishId}`, publishSeq: result.publishSeq, hostId };
  holders.set(publishId, holder);
  return holder;
};
const holderOf = (publishId: string): ClaimHolder =>
  holders.get(publishId) ?? { ...HOLDER, streamId, publishId: `${streamId}/${publishId}` };
const renew = (publishId: string) => claims.renew(holderOf(publishId));
const HELD = { held: true };
const claimNow = () => bench.db('publish_claims').where({ stream_id: streamId }).first();
const expire = () =>
  bench
    .db('publish_claims')
    .where({ stream_id: streamId })
    .update({ expires_at: new Date(0) });
const release = (publishId: string) => claims.release(`${streamId}/${publishId}`);
const set = (columns: Record<string, unknown>) => bench.db('streams').where({ id: streamId }).update(columns);

describe('a publisher', () => {
  it('is found by its key and takes the stream, numbered', async () => {
    expect(await claims.find(`sk_${streamId}`)).toBe(streamId);
    const first = await claimed('1');
    await release('1');
    expect((await claimed('2', 'b')).publishSeq).toBeGreaterThan(first.publishSeq);
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
    expect(await claimNow()).toBeUndefined();
    expect((await bench.db('streams').where({ id: streamId }).first()).publish_seq).toBe('0');
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
    await claimed('1', 'a');
    expect(await claim('2', 'b')).toEqual({ accepted: false, code: 'publish_already' });
    expect(await renew('1')).toEqual(HELD);
    await expire();
    await claimed('3', 'b');
    expect(await renew('1')).toEqual({ held: false, reason: 'taken_over' });
  });

  it('of the same host replaces the first, whose late farewell changes nothing', async () => {
    const first = await claimed('1', 'a');
    expect((await claimed('2', 'a')).publishSeq).toBeGreaterThan(first.publishSeq);
    expect(await renew('1')).toEqual({ held: false, reason: 'taken_over' });
    await release('1');
    expect(await renew('2')).toEqual(HELD);
    expect(await claim('3', 'b')).toEqual({ accepted: false, code: 'publish_already' });
  });

  it('on ten hosts at once leaves one winner', async () => {
    const results = await Promise.all(Array.from({ length: 10 }, (_, host) => claim(`p${host}`, `host-${host}`)));
    expect(results.filter((result) => result.accepted)).toEqual([{ ...ACCEPTED, streamId }]);
  });

  it('that was never there is released without complaint', async () => {
    await expect(release('nobody')).resolves.toBeUndefined();
  });
});

describe('numbers', () => {
  it('are at least the clock of the database, in milliseconds, and each higher than the last', async () => {
    const { rows } = await bench.db.raw<{ rows: [{ ms: string }] }>('select extract(epoch from clock_timestamp()) * 1000 as ms');
    const numbers: number[] = [Math.floor(Number(rows[0].ms)) - 1];
    for (let publish = 1; publish <= 20; publish += 1) numbers.push((await claimed(String(publish))).publishSeq);
    expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other));
    expect(numbers.every(Number.isSafeInteger)).toBe(true);
  });

  it('go on above a clock that was set back', async () => {
    const ahead = Date.now() + 3_600_000;
    await set({ publish_seq: ahead });
    expect((await claimed('1')).publishSeq).toBe(ahead + 1);
  });

  it('of a database taken back to a time before the last publish are higher than that one all the same', async () => {
    const before = await bench.db('streams').where({ id: streamId }).first();
    const last = await claimed('1');
    await bench.db('publish_claims').where({ stream_id: streamId }).delete();
    await set({ publish_seq: before.publish_seq });
    expect((await claimed('2', 'b')).publishSeq).toBeGreaterThan(last.publishSeq);
  });

  it('are given anew above what a workflow remembers, to whoever holds the claim', async () => {
    const holder = await claimed('1');
    const remembered = holder.publishSeq + 1_000_000;
    const publishSeq = await claims.renumber(holder, remembered);
    expect(publishSeq).toBe(remembered + 1);
    expect(await claimNow()).toMatchObject({ publish_id: holder.publishId, publish_seq: String(publishSeq) });
    expect(await claims.renew({ ...holder, publishSeq: publishSeq! })).toEqual(HELD);
    expect((await claimed('2')).publishSeq).toBeGreaterThan(publishSeq!);
    expect(await claims.renumber(holder, remembered)).toBeNull();
    expect(await claims.renumber({ ...holder, streamId: 'str_unknown' }, remembered)).toBeNull();
  });
});

describe('a publisher whose database was taken back to an earlier time', () => {
  it('claims again for itself when its claim is not there', async () => {
    const holder = await claimed('1');
    await bench.db('publish_claims').where({ stream_id: streamId }).delete();
    await set({ publish_seq: 0 });
    expect(await renew('1')).toEqual(HELD);
    expect(await claimNow()).toMatchObject({ publish_id: holder.publishId, publish_seq: String(holder.publishSeq), host_id: 'a' });
    expect(await claim('2', 'b')).toEqual({ accepted: false, code: 'publish_already' });
    expect((await claimed('3', 'a')).publishSeq).toBeGreaterThan(holder.publishSeq);
  });

  it.each([
    ['of its own host', 'a', false, true],
    ['of another host that nobody renews', 'b', true, true],
    ['of another host that is renewed, which it waits for', 'b', false, false],
  ])('keeps its stream when an older claim is there %s', async (_name, hostId, expired, taken) => {
    const older = await claimed('older', hostId);
    const holder = { ...holderOf('1'), publishSeq: older.publishSeq + 1000 };
    if (expired) await expire();
    expect(await claims.renew(holder)).toEqual(HELD);
    expect((await claimNow()).publish_id).toBe(taken ? holder.publishId : older.publishId);
  });

  it('loses it to a newer claim', async () => {
    const first = await claimed('1');
    await expire();
    await claimed('2', 'b');
    expect(await claims.renew(first)).toEqual({ held: false, reason: 'taken_over' });
  });

  it('is kept without a stream in the database: its workflow decides', async () => {
    const holder = await claimed('1');
    await bench.db('streams').where({ id: streamId }).delete();
    expect(await claims.renew(holder)).toEqual(HELD);
  });
});

describe('a claim is taken away', () => {
  const streams = () => createStreamRepository(bench.db, bench.secrets);
  const projection: Omit<StreamProjection, 'streamId' | 'disabled' | 'version'> = { status: 'idle', broadcastId: null, events: [] };
  const disable = (disabled: boolean, version = 5) => createCatalog(bench.db).record({ ...projection, streamId, disabled, version });

  it.each([
    ['when the stream key is rotated', 'key_rotated', () => streams().replaceStreamKey(streamId, `sk_new_${streamId}`)],
    ['when the stream is deleted', 'stream_deleted', () => streams().markDeleted(streamId)],
    ['when the stream is disabled', 'stream_disabled', () => disable(true)],
  ])('%s, also when it is not in the database at the moment', async (_name, reason, change) => {
    const holder = await claimed('1');
    await change();
    expect(await claims.renew(holder)).toEqual({ held: false, reason });
    expect(await claims.renumber(holder, 0)).toBeNull();
    await release('1');
    expect(await claims.renew(holder)).toEqual({ held: false, reason });
    expect(await claimNow()).toBeUndefined();
  });

  it('and holds nobody up who comes with the new key, on whatever host', async () => {
    const holder = await claimed('1', 'a');
    await streams().replaceStreamKey(streamId, `sk_new_${streamId}`);
    await claimed('2', 'b', `sk_new_${streamId}`);
    expect(await renew('2')).toEqual(HELD);
    expect(await claims.renew(holder)).toEqual({ held: false, reason: 'key_rotated' });
  });

  it('once: a stream that stays disabled takes nothing away from a publish after it was enabled', async () => {
    await disable(true);
    await disable(false, 6);
    await claimed('1');
    expect(await renew('1')).toEqual(HELD);
    // A late write of before.
    await disable(true, 5);
    expect(await renew('1')).toEqual(HELD);
    await disable(true, 7);
    expect(await renew('1')).toEqual({ held: false, reason: 'stream_disabled' });
  });
});
