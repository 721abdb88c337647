import { describe, expect, it } from 'vitest';
import { judgeFrames, runFuzz } from '../../../tools/fuzz/fuzz.js';
import { mutate } from '../../../tools/fuzz/mutate.js';
import { judgeProcesses } from '../../../tools/fuzz/process-watch.js';
import { Random } from '../../../tools/fuzz/random.js';
import { ffmpegPath } from '../../support/toolchain.js';

const SECONDS = 6;
const SEED = 4;
const MIB = 1024 * 1024;

it('a live stream beside hostile RTMP and HTTP loses no picture, and no process falls', { timeout: 150_000 }, async () => {
  const report = await runFuzz({ ffmpegPath: ffmpegPath(), seconds: SECONDS, seed: SEED });
  expect(report.problems).toEqual([]);
  expect(report.attacks.every(({ tries }) => tries > 0)).toBe(true);
  expect(report.frames.sent).toBeGreaterThan(0);
});

describe('the judge', () => {
  const fine = { pid: 1, residentBytes: 100 * MIB, descriptors: 20 };

  it.each([
    ['a process that is another one', { ...fine, pid: 2 }, ['restarted']],
    ['a process that is gone', null, ['restarted']],
    ['memory that grew by half a gigabyte', { ...fine, residentBytes: 600 * MIB }, ['memory grew out of bounds']],
    ['a hundred descriptors left', { ...fine, descriptors: 120 }, ['descriptors were left open']],
    ['nothing new', fine, []],
  ])('sees %s', (_name, after, problems) => {
    expect(judgeProcesses({ ingest: fine }, { ingest: after })[0]?.problems).toEqual(problems);
  });

  it.each([
    [{ sent: 100, shown: 99, discontinuities: 0, gaps: 0 }, 0],
    [{ sent: 100, shown: 90, discontinuities: 0, gaps: 0 }, 1],
    [{ sent: 0, shown: 0, discontinuities: 0, gaps: 0 }, 1],
    [{ sent: 100, shown: 100, discontinuities: 1, gaps: 2 }, 2],
  ])('sees what is wrong with %o', (frames, problems) => {
    expect(judgeFrames(frames)).toHaveLength(problems);
  });
});

it('the same seed damages the same bytes in the same way', () => {
  const clean = Buffer.alloc(1000, 'holdfast');
  const damaged = (seed: number): Buffer => mutate(clean, new Random(seed));
  expect(damaged(1)).toEqual(damaged(1));
  expect(damaged(1)).not.toEqual(damaged(2));
});
