import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Player } from '../support/player.js';
import { Stage, type StagedStream } from '../support/stage.js';
import { until } from '../support/until.js';

const COUNT = 2;
let stage: Stage;
let player: Player;
let stream: StagedStream;

beforeAll(async () => {
  stage = await Stage.open({ settings: { HOLDFAST_VIEWER_PROCESSES: String(COUNT) }, browser: true });
  ({ stream } = await stage.live());
  player = await stage.watch(stream);
  await until(() => player.isMoving(), 'the first picture');
});
afterAll(() => stage?.close());

const originPid = (): Promise<number> => stage.pid('origin');
/** See proc_pid_task(5). */
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
const isThere = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('viewers served by processes of their own', () => {
  it('see the picture from any of them', async () => {
    expect(childrenOf(await originPid())).toHaveLength(COUNT);
    const answers = await Promise.all(
      Array.from({ length: 2 * COUNT }, () => fetch(stream.playback.hls, { headers: { connection: 'close' } })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from(answers, () => 200));
  });

  it('do not lose it when one of them is killed; another one takes its place', async () => {
    const pid = await originPid();
    const before = childrenOf(pid);
    for (const child of before) {
      process.kill(child, 'SIGKILL');
      await until(() => childrenOf(pid).length === COUNT && !childrenOf(pid).includes(child), 'another process');
    }
    await until(() => player.isMoving(), 'the picture');
    expect(await originPid()).toBe(pid);
  });

  it('do not lose it when one of them hangs', async () => {
    const pid = await originPid();
    const [hung] = childrenOf(pid);
    process.kill(hung!, 'SIGSTOP');
    await until(() => childrenOf(pid).length === COUNT && !childrenOf(pid).includes(hung!), 'another process');
    await until(() => player.isMoving(), 'the picture');
  });

  it('come back with the origin when that is killed, and none is left of the one before', async () => {
    const before = await originPid();
    const children = childrenOf(before);
    await stage.kill('origin');
    await until(() => !children.some(isThere), 'the processes of the one before to be gone');
    await until(() => player.isMoving(), 'the picture');
    expect(childrenOf(await originPid())).toHaveLength(COUNT);
  });
});
