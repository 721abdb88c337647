import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { spawnFfmpeg } from '../../media/process/ffmpeg-process.js';
import { EncoderRegistry, type EncoderRecord } from '../../media/encoder/encoder-registry.js';
import { endOrphans } from '../../media/process/orphans.js';
import { isRunning } from '../../media/process/process-identity.js';

const LONGER_THAN_THE_TEST = '600';
const log = pino({ level: 'silent' });
let dir: string;
let registry: EncoderRegistry;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-orphans-'));
  registry = new EncoderRegistry(join(dir, 'encoders'));
});
afterEach(async () => {
  await registry.stopAll();
  await rm(dir, { recursive: true });
});

async function encoderOf(broadcastId: string): Promise<EncoderRecord> {
  const logPath = join(dir, `${broadcastId}.log`);
  const process = await spawnFfmpeg({ ffmpegPath: '/bin/sleep', args: [LONGER_THAN_THE_TEST], logPath });
  const record = { broadcastId, publishId: 'pub_1', epoch: 1, process, logPath };
  await registry.write(record);
  return record;
}

it('ends the processes of broadcasts that are over, and no other', async () => {
  const [over, open] = [await encoderOf('brd_over'), await encoderOf('brd_open')];
  const reused = { ...(await encoderOf('brd_reused')), broadcastId: 'brd_long_ago' };
  // A record whose pid belongs to another process by now: that one is not touched.
  await registry.write({ ...reused, process: { ...reused.process, startedAt: '1' } });

  const ended = await endOrphans({
    registry,
    openAmong: (ids) => Promise.resolve(ids.filter((id) => id === 'brd_open' || id === 'brd_reused')),
    log,
  });

  expect(ended).toBe(1);
  expect([over, open, reused].map(({ process }) => isRunning(process))).toEqual([false, true, true]);
  expect((await registry.list()).map(({ broadcastId }) => broadcastId).sort()).toEqual(['brd_open', 'brd_reused']);
});

it('ends nothing while nobody can tell which are over', async () => {
  const { process } = await encoderOf('brd_over');
  await expect(endOrphans({ registry, openAmong: () => Promise.reject(new Error('no database')), log })).rejects.toThrow('no database');
  expect(isRunning(process)).toBe(true);
});
