import type { Browser } from 'playwright-core';
import { EncoderRegistry, type EncoderRecord } from '../../media/encoder/encoder-registry.js';
import { dataPaths } from '../../platform/config/addresses.js';
import { startStack, type Stack } from '../../tools/launcher/stack/stack.js';
import { ApiClient, type StreamView } from './api.js';
import { launchBrowser, Player } from './player.js';
import { Publisher, type PublishOptions } from './publisher.js';
import { until } from './until.js';

export interface StageOptions {
  /** Environment of this Holdfast. */
  settings?: Record<string, string>;
  /** As after `npm start --`. */
  launcherArguments?: readonly string[];
  /** A Chromium stands ready for `watch`. */
  browser?: boolean;
}

/** A stream with the whole address an encoder needs. */
export type StagedStream = StreamView & { publishUrl: string };

/**
 * What a test of the whole product plays on: a Holdfast of its own, its API, encoders that publish, and a browser. All of it
 * ends with `close`, which each file calls in afterAll.
 */
export class Stage {
  readonly stack: Stack;
  readonly api: ApiClient;
  readonly #browser: Browser | null;
  readonly #publishers: Publisher[] = [];

  private constructor(stack: Stack, api: ApiClient, browser: Browser | null) {
    this.stack = stack;
    this.api = api;
    this.#browser = browser;
  }

  static async open({ settings = {}, launcherArguments = [], browser = false }: StageOptions = {}): Promise<Stage> {
    const [stack, chromium] = await Promise.all([startStack(settings, launcherArguments), browser ? launchBrowser() : null]);
    return new Stage(stack, new ApiClient(await stack.run()), chromium);
  }

  publish(url: string, options: PublishOptions = {}): Publisher {
    const publisher = new Publisher(url, options);
    this.#publishers.push(publisher);
    return publisher;
  }

  /** A new stream that is published to and live. */
  async live(
    settings: Record<string, unknown> = {},
    options: PublishOptions = {},
  ): Promise<{ stream: StagedStream; publisher: Publisher }> {
    const stream = await this.api.create(settings);
    const publisher = this.publish(stream.publishUrl, options);
    await until(async () => (await this.status(stream)) === 'live' || !publisher.running, 'live');
    if (!publisher.running) throw new Error(`The encoder ended: ${publisher.stderr}`);
    return { stream, publisher };
  }

  async status({ id }: Pick<StreamView, 'id'>): Promise<string> {
    return (await this.api.stream(id)).status;
  }

  async becomes(stream: Pick<StreamView, 'id'>, status: string): Promise<void> {
    await until(async () => (await this.status(stream)) === status, `the status ${status}`);
  }

  async eventTypes({ id }: Pick<StreamView, 'id'>): Promise<string[]> {
    return (await this.api.events(id)).map(({ type }) => type);
  }

  /** The player page in the browser; the caller closes it, or `close` does. */
  watch({ playback }: Pick<StreamView, 'playback'>): Promise<Player> {
    if (!this.#browser) throw new Error('This stage has no browser');
    return Player.open(this.#browser, playback.player);
  }

  /** The encoders that the media worker has written down. */
  encoders(): Promise<EncoderRecord[]> {
    return new EncoderRegistry(dataPaths(this.stack.dataDir).encoders).list();
  }

  async encoderOf({ id }: Pick<StreamView, 'id'>): Promise<EncoderRecord | undefined> {
    const { broadcastId } = await this.api.stream(id);
    return (await this.encoders()).find((record) => record.broadcastId === broadcastId);
  }

  async pid(name: string): Promise<number> {
    return (await this.stack.run()).processes[name]!;
  }

  /** Waits until the supervisor has another process in the place of `pid`. */
  async replaced(name: string, pid: number): Promise<void> {
    await until(async () => ![undefined, pid].includes(await this.pid(name)), `another ${name}`);
  }

  /** kill -9, and another one in its place. */
  async kill(name: string): Promise<void> {
    const pid = await this.pid(name);
    process.kill(pid, 'SIGKILL');
    await this.replaced(name, pid);
  }

  async close(): Promise<void> {
    await Promise.all(this.#publishers.map((publisher) => publisher.stop('SIGKILL')));
    await this.#browser?.close();
    await this.stack.stop();
  }
}
