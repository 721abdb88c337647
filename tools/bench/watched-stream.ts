import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import type { Stack } from '../launcher/stack/stack.js';
import { publishUrl, StackApi } from '../launcher/stack/stack-api.js';
import { stopped } from './child-process.js';
import { publishClock } from './picture-clock.js';
import { readStartTimes, WATCH_FIRST_PICTURE, type StartTimes } from './start-steps.js';
import { COUNT_STALLS } from './watch-picture.js';

const POLL_MS = 50;
const FIRST_PICTURE_LIMIT_MS = 30_000;

/** A stream that a page waits for is published to until `watch` is through; the page shows its first picture by then. */
export async function watchLive(
  stack: Stack,
  browser: Browser,
  ffmpegPath: string,
  watch: (page: Page, start: StartTimes) => Promise<void>,
): Promise<void> {
  const run = await stack.run();
  const api = new StackApi(run);
  const stream = await api.createStream({ name: 'latency bench' });
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
  await page.goto(stream.playback.player);
  await page.evaluate(COUNT_STALLS);
  await page.evaluate(WATCH_FIRST_PICTURE);
  const startedAt = Date.now();
  const publisher = publishClock(ffmpegPath, publishUrl(stream));
  try {
    await untilFirstPicture(page);
    await watch(page, await readStartTimes({ dataDir: stack.dataDir, temporal: run.temporal, streamId: stream.id, page }, startedAt));
  } finally {
    await stopped(publisher, 'SIGINT');
    await page.close();
    await api.endStream(stream.id);
  }
}

/** Waits until the page has shown a frame; it was told to watch for it ({@link WATCH_FIRST_PICTURE}). */
export async function untilFirstPicture(page: Page): Promise<void> {
  const limit = Date.now() + FIRST_PICTURE_LIMIT_MS;
  while (!(await page.evaluate<boolean>('window.firstPictureAt !== undefined'))) {
    if (Date.now() > limit) throw new Error('No picture came');
    await delay(POLL_MS);
  }
}
