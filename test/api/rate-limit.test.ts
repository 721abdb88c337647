import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createApiKeyRepository } from '../../platform/db/repositories/api-keys.js';
import type { ApiKeyPair } from '../../platform/db/repositories/api-keys.js';
import { basic, createApiBench, request, startApi, type ApiBench, type Reply } from './support.js';

const LIMIT = 5;
const LOOPBACK = ['127.0.0.1', '::1'];
let bench: ApiBench;
let stop: (() => Promise<void>) | null = null;
beforeAll(async () => {
  bench = await createApiBench();
});
afterEach(async () => {
  await stop?.();
  stop = null;
});
afterAll(() => bench.close());

/** An API of its own: what one test has used up is not missing in the next. */
async function limitedApi(options: Partial<Parameters<typeof startApi>[0]> = {}) {
  const temporalAddress = '127.0.0.1:1';
  const api = await startApi({ db: bench.db, secrets: bench.secrets, temporalAddress, requestsPerMinute: LIMIT, ...options });
  stop = api.stop;
  const list = (authorization: string | null, client?: string): Promise<Reply> =>
    request(api.baseUrl, 'GET', '/v1/streams', { authorization, headers: client ? { 'x-forwarded-for': client } : {} });
  return { ...api, list };
}

async function otherKey(name: string): Promise<ApiKeyPair> {
  const pair = { apiKey: `hf_${name}`, apiSecret: 'secret' };
  await createApiKeyRepository(bench.db, bench.secrets).put(name, pair);
  return pair;
}

const wrong = (): string => basic({ ...bench.key, apiSecret: 'wrong' });
const statuses = async (count: number, ask: () => Promise<Reply>): Promise<number[]> => {
  const replies: number[] = [];
  for (let n = 0; n < count; n++) replies.push((await ask()).status);
  return replies;
};
const times = (count: number, status: number): number[] => Array<number>(count).fill(status);

describe('too many requests', () => {
  it('of one key are answered 429, those of others are not', async () => {
    const { list, baseUrl } = await limitedApi();
    const other = await otherKey('quiet');
    expect(await statuses(LIMIT, () => list(basic(bench.key)))).toEqual(times(LIMIT, 200));
    const limited = await list(await bench.bearer({}));
    expect([limited.status, limited.body.code]).toEqual([429, 'rate_limited']);
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await list(basic(other))).status).toBe(200);
    expect((await request(baseUrl, 'GET', '/healthz')).status).toBe(200);
  });

  it('of whoever holds a token for one stream use up nothing of the key', async () => {
    const { list } = await limitedApi();
    const one = await bench.bearer({ streamId: 'str_one', permissions: ['stream:read'] });
    expect(await statuses(LIMIT + 1, () => list(one))).toEqual([...times(LIMIT, 200), 429]);
    expect((await list(await bench.bearer({ streamId: 'str_two', permissions: ['stream:read'] }))).status).toBe(200);
    expect((await list(basic(bench.key))).status).toBe(200);
  });
});

describe('too many requests without a valid credential', () => {
  it('are answered 429 and say when to come back', async () => {
    const { list } = await limitedApi();
    expect(await statuses(LIMIT, () => list(wrong()))).toEqual(times(LIMIT, 401));
    const limited = await list(wrong());
    expect([limited.status, limited.body.code]).toEqual([429, 'rate_limited']);
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await list(null)).status).toBe(429);
  });

  it('lock out nobody at the same address whose credential is good, known before or not', async () => {
    const { list } = await limitedApi();
    expect((await list(basic(bench.key))).status).toBe(200);
    await statuses(2 * LIMIT, () => list(wrong()));
    expect((await list(basic(bench.key))).status).toBe(200);
    expect((await list(await bench.bearer({ permissions: ['stream:read'] }))).status).toBe(200);
    expect((await list(basic(await otherKey('never-seen')))).status).toBe(200);
  });

  it('are looked at a few at a time, and a good credential does not wait behind them', async () => {
    let asked = 0;
    let most = 0;
    const unlock: (() => void)[] = [];
    const apiKeys = createApiKeyRepository(bench.db, bench.secrets);
    const slow: typeof apiKeys = {
      ...apiKeys,
      async findSecret(apiKey) {
        if (apiKey !== 'hf_unknown') return apiKeys.findSecret(apiKey);
        asked += 1;
        most = Math.max(most, asked);
        await new Promise<void>((resolve) => unlock.push(resolve));
        asked -= 1;
        return null;
      },
    };
    const { list } = await limitedApi({ apiKeys: slow });
    expect((await list(basic(bench.key))).status).toBe(200);
    await statuses(LIMIT, () => list(null));
    const unknown = basic({ apiKey: 'hf_unknown', apiSecret: 'x' });
    const flood = Array.from({ length: 20 }, () => list(unknown));
    const refused = await Promise.race(flood);
    expect(refused.status).toBe(429);
    expect((await list(basic(bench.key))).status).toBe(200);
    const ended = Promise.all(flood).then(() => true);
    let isOver = false;
    void ended.then(() => (isOver = true));
    while (!isOver) {
      unlock.splice(0).forEach((resolve) => resolve());
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await Promise.all(flood)).map(({ status }) => status)).toEqual(times(20, 429));
    expect(most).toBeLessThanOrEqual(4);
  });

  it('are counted to the client that a trusted proxy names, an IPv6 one by its /64', async () => {
    const { list } = await limitedApi({ trustedProxies: LOOPBACK });
    const host = (suffix: string): string => `2001:db8:0:1::${suffix}`;
    let n = 0;
    expect(await statuses(LIMIT, () => list(wrong(), host(String(++n))))).toEqual(times(LIMIT, 401));
    expect((await list(wrong(), host('ffff'))).status).toBe(429);
    expect((await list(wrong(), '2001:db8:0:2::1')).status).toBe(401);
    expect((await list(wrong(), '192.0.2.7')).status).toBe(401);
    // What the client itself wrote stands before what the proxy added.
    expect((await list(wrong(), `203.0.113.9, ${host('1')}`)).status).toBe(429);
  });

  it('are counted to the connection when its proxy is not trusted', async () => {
    const { list } = await limitedApi();
    let n = 0;
    expect(await statuses(LIMIT, () => list(wrong(), `192.0.2.${++n}`))).toEqual(times(LIMIT, 401));
    expect((await list(wrong(), '192.0.2.99')).status).toBe(429);
  });
});

describe('many who ask at once whether the API is ready', () => {
  it('are answered with one look at what it needs', async () => {
    const { deps, baseUrl } = await limitedApi();
    let looks = 0;
    let answer: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    deps.readyChecks = { slow: () => ((looks += 1), answered) };
    const asking = Array.from({ length: 20 }, () => request(baseUrl, 'GET', '/readyz'));
    // Answered after the others have come in: there is one process, and it reads them in turn.
    await request(baseUrl, 'GET', '/healthz');
    answer();
    expect((await Promise.all(asking)).map(({ status }) => status)).toEqual(times(20, 200));
    expect(looks).toBeLessThan(10);
    expect((await request(baseUrl, 'GET', '/readyz')).status).toBe(200);
    expect(looks).toBeGreaterThan(1);
  });
});
