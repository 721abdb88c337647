import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HoldfastError } from '../../domain/errors.js';
import { launchBrowser, Player } from '../support/player.js';
import { until } from '../support/until.js';
import { AUDIO, encode, exited, TestOrigin, video } from './support.js';

let origin: TestOrigin;
let browser: Browser;
beforeAll(async () => {
  origin = await TestOrigin.start();
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  await origin.close();
});

const stateOf = (player: Player): Promise<string> => player.page.evaluate<string>('document.body.dataset.state');

describe('the player page', () => {
  test('waits, starts by itself, changes quality, plays over an encoder restart, ends, and plays again from the start', async () => {
    const renditions = [video(240, 30, 500_000), video(120, 30, 200_000), AUDIO];
    const player = await Player.open(browser, `${origin.playback}/show/player`);
    const problems: string[] = [];
    player.page.on('pageerror', (error) => problems.push(String(error)));
    await until(
      () => player.page.evaluate<boolean>(`document.querySelector('#message-title').textContent === 'Waiting for the stream'`),
      'the page to say that it waits',
    );
    expect(await stateOf(player)).toBe('waiting');

    await origin.open('show', { playbackId: 'show' });
    const first = encode({ sockets: await origin.startEncode('show', 1, renditions), renditions, seconds: 120, realTime: true });
    expect(await player.isMoving()).toBe(true);
    expect(await stateOf(player)).toBe('playing');
    for (const [index, height] of [
      [0, 120],
      [1, 240],
    ] as const) {
      await player.chooseLevel(index);
      await until(async () => (await player.state()).height === height, `a picture of ${height} lines`);
    }

    first.kill('SIGKILL');
    await exited(first);
    const second = encode({ sockets: await origin.startEncode('show', 2, renditions), renditions, seconds: 120, realTime: true });
    await until(async () => (await origin.status('show')).playable, 'the second encoder');
    const brokenAt = (await origin.status('show')).durationSeconds;
    await until(async () => (await player.state()).currentTime > brokenAt - 1, 'the picture of the second encoder');

    second.kill();
    await exited(second);
    await origin.control('POST', '/broadcasts/show/end');
    await until(async () => (await player.state()).ended, 'the end');
    await until(async () => (await stateOf(player)) === 'ended', 'the page to say so');
    await player.page.click('#big-play');
    await until(async () => {
      const { ended, paused, currentTime } = await player.state();
      return !ended && !paused && currentTime > 0.5;
    }, 'the replay');
    expect((await player.state()).currentTime).toBeLessThan(brokenAt);
    expect(problems).toEqual([]);
    await player.close();
  });

  test('plays a signed stream opened with ?token=, and says what is wrong with a link that is not good', async () => {
    const renditions = [video(240, 30, 500_000), AUDIO];
    origin.verify = (token) =>
      token === 'good' ? Promise.resolve({ validUntil: Date.now() + 600_000 }) : Promise.reject(new HoldfastError('invalid_credentials'));
    await origin.open('closed', { playbackId: 'closed', playbackPolicy: 'signed', latency: 'low' });
    const sockets = await origin.startEncode('closed', 1, renditions);
    const encoder = encode({ sockets, renditions, seconds: 120, realTime: true });
    await until(async () => (await origin.status('closed')).playable, 'something to play');
    const player = await Player.open(browser, `${origin.playback}/closed/player?token=good`);
    expect(await player.isMoving()).toBe(true);
    await player.close();
    const refused = await Player.open(browser, `${origin.playback}/closed/player?token=bad`);
    await until(async () => (await stateOf(refused)) === 'refused', 'the page to say so');
    await refused.close();
    encoder.kill();
    await exited(encoder);
    await origin.control('POST', '/broadcasts/closed/end');
  });
});
