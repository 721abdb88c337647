import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { CLAIM_RENEW_SECONDS, type PublishClaims } from '../../domain/contracts/publish-claims.js';
import { ClaimLease } from '../../ingest/publish/claim-lease.js';

const renew = vi.fn<PublishClaims['renew']>();
const release = vi.fn<PublishClaims['release']>();
const lost = vi.fn();
const logged: string[] = [];
let bytes = 0;
let lease: ClaimLease;

beforeEach(() => {
  vi.useFakeTimers();
  vi.resetAllMocks();
  logged.length = 0;
  bytes = 0;
  renew.mockResolvedValue(true);
  release.mockResolvedValue();
  const claims = { renew, release } as unknown as PublishClaims;
  const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
  lease = new ClaimLease({ claims, publishId: 'pub_1', bytesIn: () => bytes, lost, log });
});
afterEach(async () => {
  await lease.end();
  vi.useRealTimers();
});

async function period(received: number): Promise<void> {
  bytes += received;
  await vi.advanceTimersByTimeAsync(CLAIM_RENEW_SECONDS * 1000);
}

it('is renewed while bytes flow, and only then', async () => {
  await period(100);
  await period(0);
  await period(100);
  expect(renew).toHaveBeenCalledTimes(2);
  expect(lost).not.toHaveBeenCalled();
});

it('is lost when another publisher has the stream', async () => {
  renew.mockResolvedValue(false);
  await period(100);
  expect(lost).toHaveBeenCalledTimes(1);
});

it('outlives an absence of Postgres, which is logged once', async () => {
  renew.mockRejectedValue(new Error('connection refused'));
  for (let count = 0; count < 5; count += 1) await period(100);
  expect(lost).not.toHaveBeenCalled();
  expect(logged).toHaveLength(1);
  renew.mockResolvedValue(true);
  await period(100);
  expect(logged).toHaveLength(2);
});

it('is given back once, and never renewed afterwards', async () => {
  await lease.end();
  await lease.end();
  await period(100);
  expect(release).toHaveBeenCalledTimes(1);
  expect(renew).not.toHaveBeenCalled();
});

it('that cannot be given back is left to run out', async () => {
  release.mockRejectedValue(new Error('connection refused'));
  await expect(lease.end()).resolves.toBeUndefined();
  expect(logged.join('')).toContain('runs out by itself');
});
