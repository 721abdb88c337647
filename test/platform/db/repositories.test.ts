import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isDatabaseUnavailable } from '../../../platform/db/unavailable.js';
import { ensureDevelopmentKey } from '../../../platform/db/development-key.js';
import { createApiKeyRepository } from '../../../platform/db/repositories/api-keys.js';
import { createIdempotencyRepository, WHOLE_KEY } from '../../../platform/db/repositories/idempotency.js';
import { createStreamRepository } from '../../../platform/db/repositories/streams.js';
import { createDatabaseBench, type DatabaseBench } from './support.js';

let bench: DatabaseBench;
beforeAll(async () => {
  bench = await createDatabaseBench();
});
afterAll(() => bench.close());

describe('the development key', () => {
  it('is made once, kept, and replaced when another one is wanted', async () => {
    const made = await Promise.all(Array.from({ length: 4 }, () => ensureDevelopmentKey(bench.db, bench.secrets)));
    expect(new Set(made.map((pair) => JSON.stringify(pair))).size).toBe(1);
    const wanted = { apiKey: 'hf_wanted', apiSecret: 'hfs_wanted' };
    expect(await ensureDevelopmentKey(bench.db, bench.secrets, wanted)).toEqual(wanted);
    expect(await ensureDevelopmentKey(bench.db, bench.secrets)).toEqual(wanted);
    const { findSecret } = createApiKeyRepository(bench.db, bench.secrets);
    expect(await findSecret(wanted.apiKey)).toBe(wanted.apiSecret);
    expect(await findSecret(made[0]!.apiKey)).toBeNull();
    const renewed = { ...wanted, apiSecret: 'hfs_renewed' };
    expect(await ensureDevelopmentKey(bench.db, bench.secrets, renewed)).toEqual(renewed);
  });
});

describe('streams', () => {
  it('are created once per id; the second creation gets the first one back, key included', async () => {
    await bench.addStream('str_once', { name: 'first' });
    await bench.addStream('str_once', { name: 'second', streamKey: 'sk_second' });
    const streams = createStreamRepository(bench.db, bench.secrets);
    expect((await streams.find('str_once'))?.name).toBe('first');
    expect(await streams.findStreamKey('str_once')).toBe('sk_str_once');
  });

  it('taken back are gone, unless their workflow or a publisher has been there', async () => {
    const streams = createStreamRepository(bench.db, bench.secrets);
    for (const id of ['str_new', 'str_written', 'str_published']) await bench.addStream(id);
    await bench.db('streams').where({ id: 'str_written' }).update({ version: 1 });
    await bench.db('streams').where({ id: 'str_published' }).update({ publish_seq: 1 });
    for (const id of ['str_new', 'str_written', 'str_published']) await streams.takeBack(id);
    expect(await streams.find('str_new')).toBeNull();
    expect(await streams.find('str_written')).not.toBeNull();
    expect(await streams.find('str_published')).not.toBeNull();
  });

  it('of the same millisecond are each listed once over all pages', async () => {
    const ids = ['str_t1', 'str_t2', 'str_t3', 'str_t4'];
    for (const id of ids) await bench.addStream(id);
    const createdAt = new Date('2020-01-01T00:00:00.123Z');
    await bench.db('streams').whereIn('id', ids).update({ created_at: createdAt });
    const streams = createStreamRepository(bench.db, bench.secrets);
    const seen: string[] = [];
    let after = { createdAt, id: 'str_t9' };
    for (let more = true; more;) {
      const page = await streams.list({}, { after, limit: 1 });
      seen.push(...page.items.map((stream) => stream.id));
      after = page.items.at(-1)!;
      more = page.more;
    }
    expect(seen).toEqual(['str_t4', 'str_t3', 'str_t2', 'str_t1']);
  });
});

describe('idempotency', () => {
  it('gives the right to run to one, and an attempt that was taken over writes no answer', async () => {
    const { apiKey } = await ensureDevelopmentKey(bench.db, bench.secrets);
    const idempotency = createIdempotencyRepository(bench.db, bench.secrets);
    const request = { apiKey, scope: WHOLE_KEY, key: 'k', requestHash: 'h', resourceId: 'first' };
    const begun = await Promise.all([1, 2, 3].map(() => idempotency.begin(request)));
    expect(begun.map(({ state }) => state).sort()).toEqual(['claimed', 'running', 'running']);
    const slow = begun.find((one) => one.state === 'claimed')!;
    await bench
      .db('idempotency_keys')
      .where({ key: 'k' })
      .update({ owned_until: new Date(0) });
    const next = await idempotency.begin({ ...request, resourceId: 'second' });
    expect(next).toMatchObject({ state: 'claimed', claim: { resourceId: 'first' } });
    if (slow.state !== 'claimed' || next.state !== 'claimed') throw new Error('both had the right to run');
    await idempotency.finish(slow.claim, { status: 500, body: '"late"' });
    expect(await idempotency.begin(request)).toEqual({ state: 'running' });
    await idempotency.finish(next.claim, { status: 201, body: '"right"' });
    expect(await idempotency.begin(request)).toEqual({ state: 'answered', answer: { status: 201, body: '"right"' } });
    expect(await idempotency.begin({ ...request, requestHash: 'x' })).toEqual({ state: 'other_request' });
    expect(await idempotency.begin({ ...request, scope: 'narrower' })).toMatchObject({ state: 'claimed' });
    expect(await idempotency.begin(request)).toEqual({ state: 'answered', answer: { status: 201, body: '"right"' } });
  });
});

describe('an error of the database', () => {
  it('is an outage only when the database could not be asked', async () => {
    const failing = async (sql: string) =>
      bench.db.raw(sql).then(
        () => null,
        (error: unknown) => error,
      );
    expect(isDatabaseUnavailable(await failing('select nonsense'))).toBe(false);
    expect(isDatabaseUnavailable(await failing("insert into api_keys (api_key) values ('x')"))).toBe(false);
    expect(isDatabaseUnavailable(await failing('select pg_terminate_backend(pg_backend_pid())'))).toBe(true);
    expect(isDatabaseUnavailable(await failing('select pg_sleep(60)'))).toBe(true);
    expect(isDatabaseUnavailable(new Error('something else'))).toBe(false);
  });
});
