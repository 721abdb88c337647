import { chromium, type Browser, type Page } from 'playwright-core';
import { chromiumPath } from './toolchain.js';
import { until } from './until.js';

/** Headless as root, sound allowed to start by itself, and no calls to anybody's servers. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
];

export const launchBrowser = (): Promise<Browser> => chromium.launch({ executablePath: chromiumPath(), args: FLAGS });

export interface PlayerState {
  currentTime: number;
  paused: boolean;
  ended: boolean;
  readyState: number;
  width: number;
  height: number;
  /** Index of the playing rung, -1 before the first. */
  level: number;
  levels: number;
  droppedFrames: number;
  totalFrames: number;
}

/** Holdfast's own player page in a real browser. */
export class Player {
  readonly page: Page;

  private constructor(page: Page) {
    this.page = page;
  }

  static async open(browser: Browser, url: string): Promise<Player> {
    // Certificates of tests are signed by nobody.
    const page = await browser.newPage({ ignoreHTTPSErrors: true });
    await page.goto(url);
    return new Player(page);
  }

  // Told to the page as text: these tests are compiled for Node, which has no window.
  async state(): Promise<PlayerState> {
    return this.page.evaluate<PlayerState>(`(() => {
      const { hls, video } = window.holdfastPlayer;
      const quality = video.getVideoPlaybackQuality();
      return {
        currentTime: video.currentTime,
        paused: video.paused,
        ended: video.ended,
        readyState: video.readyState,
        width: video.videoWidth,
        height: video.videoHeight,
        level: hls ? hls.currentLevel : -1,
        levels: hls ? hls.levels.length : 0,
        droppedFrames: quality.droppedVideoFrames,
        totalFrames: quality.totalVideoFrames,
      };
    })()`);
  }

  /** Plays: the position moves on from where it is. */
  async isMoving(): Promise<boolean> {
    const { currentTime } = await this.state();
    return until(async () => (await this.state()).currentTime > currentTime + 0.5, 'the picture to move');
  }

  async chooseLevel(index: number): Promise<void> {
    await this.page.evaluate(`window.holdfastPlayer.hls.nextLevel = ${index}`);
  }

  async close(): Promise<void> {
    await this.page.close();
  }
}
