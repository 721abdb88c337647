import { readFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startStack, type Stack } from '../../tools/launcher/stack/stack.js';
import { ApiClient, type StreamView } from '../support/api.js';
import { launchBrowser, Player } from '../support/player.js';
import { Publisher } from '../support/publisher.js';
import { until } from '../support/until.js';

const COUNT = 2;
let stack: Stack;
let api: ApiClient;
let browser: Browser;
let publisher: Publisher;
let player: Player;
let stream: StreamView & { publishUrl: string };

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack({ HOLDFAST_VIEWER_PROCESSES: String(COUNT) }), launchBrowser()]);
  api = new ApiClient(await stack.run());
  stream = await api.create();
  publisher = new Publisher(stream.publishUrl);
  await until(async () => (await api.stream(stream.id)).status === 'live', 'live');
  player = await Player.open(browser, stream.playback.player);
  await until(() => player.isMoving(), 'the first picture');
});
afterAll(async () => {
  await publisher?.stop();
  await browser?.close();
  await stack?.stop();
});

const originPid = async (): Promise<number> => (await stack.run()).processes.origin!;
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
    process.kill(before, 'SIGKILL');
    await until(async () => ![undefined, before].includes((await stack.run()).processes.origin), 'another origin');
    await until(() => !children.some(isThere), 'the processes of the one before to be gone');
    await until(() => player.isMoving(), 'the picture');
    expect(childrenOf(await originPid())).toHaveLength(COUNT);
  });
});
