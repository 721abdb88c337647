import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { startStack } from '../launcher/stack/stack.js';
import { stopped } from './child-process.js';
import { median } from './cpu-time.js';
import { BROWSER_FLAGS } from './latency-bench.js';
import { describeMachine } from './machine.js';
import { servePeerPage } from './peer-page.js';
import { findPeers, type Peer } from './peer-server.js';
import { publishClock } from './picture-clock.js';
import { keepResult, table } from './results.js';
import { WATCH_FIRST_PICTURE } from './start-steps.js';
import { COUNT_STALLS, watchPicture, type Watched } from './watch-picture.js';
import { untilFirstPicture, watchLive } from './watched-stream.js';

export interface PeersBenchOptions {
  ffmpegPath: string;
  chromiumPath: string;
  /** Path of a MediaMTX program; without it the table goes without. */
  mediamtxPath: string | undefined;
  runs: number;
  /** Seconds of watching after the player has settled. */
  seconds: number;
  /** HOLDFAST_PART_DURATION */
  partDuration: string;
}

const SAMPLE_MS = 250;

interface Compared {
  name: string;
  /** Milliseconds from the start of the publisher, each start of a stream. */
  firstPictureMs: number[];
  watched: Watched;
}

const HOW = `The same publisher (720p30, GOP of 2 s) and the same browser with the same hls.js. Holdfast transcodes three rungs and is
watched on its own page; the others pass on what they get and are watched on a plain page with a catch-up rate of 1.25.`;

/** Publish → first picture and glass to glass, beside other servers on the same machine in the same run. */
export async function runPeersBench(options: PeersBenchOptions): Promise<void> {
  const { peers, missing } = findPeers(options.mediamtxPath);
  for (const sentence of missing) console.log(sentence);
  const browser = await chromium.launch({ executablePath: options.chromiumPath, args: [...BROWSER_FLAGS] });
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  try {
    const compared = [await measureHoldfast(options, browser)];
    for (const [index, peer] of peers.entries()) compared.push(await measurePeer(options, peer, join(dir, String(index)), browser));
    console.log(`\n${comparison(compared)}\n${HOW}`);
    const kept = {
      machine: describeMachine(options.ffmpegPath),
      partDuration: options.partDuration,
      runs: options.runs,
      seconds: options.seconds,
      compared,
      missing,
    };
    console.log(`kept in ${await keepResult('peers', kept)}`);
  } finally {
    await browser.close();
    await rm(dir, { recursive: true, force: true });
  }
}

async function measureHoldfast({ ffmpegPath, partDuration, runs, seconds }: PeersBenchOptions, browser: Browser): Promise<Compared> {
  const stack = await startStack({ HOLDFAST_PART_DURATION: partDuration });
  const firstPictureMs: number[] = [];
  let watched: Watched | null = null;
  try {
    for (let run = 1; run <= runs; run++) {
      await watchLive(stack, browser, ffmpegPath, async (page, start) => {
        firstPictureMs.push(start['first picture']!);
        if (run === runs) watched = await watchPicture(page, seconds, SAMPLE_MS);
      });
    }
  } finally {
    await stack.stop();
  }
  return { name: `Holdfast, 3 rungs, ${partDuration} s parts`, firstPictureMs, watched: watched! };
}

async function measurePeer({ ffmpegPath, runs, seconds }: PeersBenchOptions, peer: Peer, dir: string, browser: Browser): Promise<Compared> {
  const server = await peer.start(dir);
  const pages = await servePeerPage();
  const firstPictureMs: number[] = [];
  let watched: Watched | null = null;
  try {
    for (let run = 1; run <= runs; run++) {
      await watchPeer(browser, ffmpegPath, pages.urlOf(server.hlsUrl(run)), server.rtmpUrl(run), async (page, startedAt) => {
        firstPictureMs.push((await page.evaluate<number>('window.firstPictureAt')) - startedAt);
        console.log(`${peer.name}, run ${run}: first picture after ${firstPictureMs.at(-1)} ms`);
        if (run === runs) watched = await watchPicture(page, seconds, SAMPLE_MS);
      });
    }
  } finally {
    await pages.stop();
    await server.stop();
  }
  return { name: peer.name, firstPictureMs, watched: watched! };
}

async function watchPeer(
  browser: Browser,
  ffmpegPath: string,
  pageUrl: string,
  rtmpUrl: string,
  watch: (page: Page, startedAt: number) => Promise<void>,
): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
  await page.goto(pageUrl);
  await page.evaluate(COUNT_STALLS);
  await page.evaluate(WATCH_FIRST_PICTURE);
  const startedAt = Date.now();
  const publisher = publishClock(ffmpegPath, rtmpUrl);
  try {
    await untilFirstPicture(page);
    await watch(page, startedAt);
  } finally {
    await stopped(publisher, 'SIGINT');
    await page.close();
  }
}

/** One row each; ratios are the peer's figure over Holdfast's: above 1, Holdfast is the faster. */
function comparison(compared: readonly Compared[]): string {
  const [own] = compared as [Compared, ...Compared[]];
  const first = (one: Compared): number => median(one.firstPictureMs);
  const rows = compared.map((one) => [
    one.name,
    first(one).toFixed(0),
    (first(one) / first(own)).toFixed(2),
    one.watched.p50.toFixed(0),
    (one.watched.p50 / own.watched.p50).toFixed(2),
    one.watched.p95.toFixed(0),
    String(one.watched.stalls),
  ]);
  return table([['', 'first picture, ms', 'ratio', 'glass to glass p50, ms', 'ratio', 'p95', 'stalls'], ...rows]);
}
