import { chromium, type Browser, type Page } from 'playwright-core';
import type { PlaySample } from './stall.js';
import { waitFor } from './wait.js';

/** Headless as root, sound allowed to start by itself, and no calls to anybody's servers. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--autoplay-policy=no-user-gesture-required',
];
const SAMPLE_MS = 100;
/** Nearer than this to what the playlist asks for: at the live edge. */
const EDGE_SECONDS = 1;
/** At 1.25 times the speed half a minute of delay is gone in two minutes; most faults leave less. */
const EDGE_LIMIT_MS = 60_000;
/** A page whose process hangs must not hang the drill. */
const ASK_LIMIT_MS = 20_000;

/** Runs in the page; hls.js is made anew when the page starts over by itself, which a viewer sees as a stall. */
const SAMPLER = `(() => {
  window.drillSamples = [];
  window.drillErrors = [];
  let hls = null, starts = 0;
  setInterval(() => {
    const player = window.holdfastPlayer;
    if (!player) return;
    if (player.hls && player.hls !== hls) {
      hls = player.hls;
      starts += 1;
      hls.on('hlsError', (_event, { fatal, details }) => { if (fatal) window.drillErrors.push(details); });
    }
    const { currentTime, ended } = player.video;
    window.drillSamples.push({ at: Date.now(), position: currentTime, ended, starts });
  }, ${SAMPLE_MS});
})()`;

/** Holdfast's own player page in a real Chromium. */
export class Viewer {
  readonly #browser: Browser;
  readonly #page: Page;
  #samples: PlaySample[] = [];
  #errors: string[] = [];
  #reading: Promise<void> = Promise.resolve();

  private constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.#page = page;
  }

  static async open(executablePath: string, url: string): Promise<Viewer> {
    const browser = await chromium.launch({ executablePath, args: FLAGS });
    const page = await browser.newPage({ viewport: { width: 960, height: 540 } });
    await page.goto(url);
    await page.evaluate(SAMPLER);
    return new Viewer(browser, page);
  }

  /** Every sample since the page was opened. */
  async samples(): Promise<PlaySample[]> {
    this.#reading = this.#reading.then(() => this.#read());
    await this.#reading;
    return this.#samples;
  }

  /** Fatal errors hls.js told since they were last asked for. */
  takeErrors(): string[] {
    return this.#errors.splice(0);
  }

  /** Waits until hls.js has caught up with the edge, as far as it does; false when the time is over. */
  async atLiveEdge(): Promise<boolean> {
    const near = `(() => {
      const { hls } = window.holdfastPlayer;
      return Boolean(hls) && hls.latency - hls.targetLatency < ${EDGE_SECONDS};
    })()`;
    return (await waitFor(() => this.#page.evaluate<boolean>(near), EDGE_LIMIT_MS)) !== null;
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }

  async #read(): Promise<void> {
    const take = this.#page.evaluate<{ samples: PlaySample[]; errors: string[] } | null>(
      'window.drillSamples ? { samples: window.drillSamples.splice(0), errors: window.drillErrors.splice(0) } : null',
    );
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('The player page does not answer')), ASK_LIMIT_MS);
    });
    const taken = await Promise.race([take, tooLate]).finally(() => clearTimeout(timer));
    if (!taken) throw new Error('The player page was loaded anew');
    this.#samples.push(...taken.samples);
    this.#errors.push(...taken.errors);
  }
}
