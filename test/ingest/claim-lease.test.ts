import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { CLAIM_RENEW_SECONDS, type ClaimHolder, type ClaimLoss, type PublishClaims } from '../../domain/contracts/publish-claims.js';
import { ClaimLease } from '../../ingest/publish/claim-lease.js';

const renew = vi.fn<PublishClaims['renew']>();
const release = vi.fn<PublishClaims['release']>();
const lost = vi.fn<(reason: ClaimLoss) => void>();
const HOLDER: ClaimHolder = { streamId: 'str_1', publishId: 'pub_1', publishSeq: 7, hostId: 'a', remoteAddress: '203.0.113.1:5000' };
const logged: string[] = [];
let bytes = 0;
let lease: ClaimLease;

beforeEach(() => {
  vi.useFakeTimers();
  vi.resetAllMocks();
  logged.length = 0;
  bytes = 0;
  renew.mockResolvedValue({ held: true });
  release.mockResolvedValue();
  const claims = { renew, release } as unknown as PublishClaims;
  const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
  lease = new ClaimLease({ claims, holder: () => HOLDER, bytesIn: () => bytes, lost, log });
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

it.each<ClaimLoss>(['taken_over', 'key_rotated', 'stream_disabled', 'stream_deleted'])(
  'is lost for the reason it is told: %s',
  async (reason) => {
    renew.mockResolvedValue({ held: false, reason });
    await period(100);
    expect(renew).toHaveBeenCalledWith(HOLDER);
    expect(lost.mock.calls).toEqual([[reason]]);
  },
);

it('is renewed at once when asked to, and not a second time before more has come', async () => {
  bytes += 100;
  await lease.renew();
  await lease.renew();
  expect(renew).toHaveBeenCalledTimes(1);
});

it('is given back only after a renewal on its way is over, which would put it back', async () => {
  let answer = (): void => undefined;
  renew.mockReturnValue(new Promise((resolve) => (answer = () => resolve({ held: true }))));
  await period(100);
  const ended = lease.end();
  await vi.advanceTimersByTimeAsync(0);
  expect(release).not.toHaveBeenCalled();
  answer();
  await ended;
  expect(release).toHaveBeenCalledWith('pub_1');
});

it('outlives an absence of Postgres, which is logged once', async () => {
  renew.mockRejectedValue(new Error('connection refused'));
  for (let count = 0; count < 5; count += 1) await period(100);
  expect(lost).not.toHaveBeenCalled();
  expect(logged).toHaveLength(1);
  renew.mockResolvedValue({ held: true });
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
