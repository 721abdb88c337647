import { readdirSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataPaths } from '../../platform/config/addresses.js';
import { startStack, type Stack } from '../launcher/stack/stack.js';
import type { EncoderRecord } from '../../media/encoder/encoder-registry.js';
import { publishUrl, StackApi, type StackStream } from '../launcher/stack/stack-api.js';
import { Platform } from './platform.js';
import { encoderMark, processesWith } from './processes.js';
import { RetryingPublisher } from './publisher.js';
import { SegmentWatch } from './segment-watch.js';
import { judgePlayback } from './stall.js';
import { StatusWatch } from './status-watch.js';
import { Viewer } from './viewer.js';
import { waitFor } from './wait.js';

export interface SceneOptions {
  ffmpegPath: string;
  chromiumPath: string;
  short: boolean;
  /** The launcher leaves processes alone that hang. */
  unattended?: boolean;
}

/** Longer than any process is frozen here. */
const UNATTENDED = '--hung-after=300';
const LIVE_LIMIT_MS = 30_000;
const PLAYING_LIMIT_MS = 30_000;
/** Played this long without standing still: it really plays again. */
const STEADY_MS = 2000;
const STEADY_STALL_MS = 500;

/** A whole Holdfast with one broadcast: an encoder that publishes, a platform that is sent to, a viewer that watches. */
export class Scene {
  readonly options: SceneOptions;
  readonly stack: Stack;
  readonly api: StackApi;
  readonly stream: StackStream;
  readonly broadcastId: string;
  readonly publisher: RetryingPublisher;
  readonly viewer: Viewer;
  readonly status: StatusWatch;
  readonly segments: SegmentWatch;
  readonly #undo: (() => Promise<void>)[];

  private constructor(parts: SceneParts, undo: (() => Promise<void>)[]) {
    this.#undo = undo;
    this.options = parts.options;
    this.stack = parts.stack;
    this.api = parts.api;
    this.stream = parts.stream;
    this.broadcastId = parts.broadcastId;
    this.publisher = parts.publisher;
    this.viewer = parts.viewer;
    this.status = new StatusWatch(parts.api, parts.stream.id);
    this.segments = new SegmentWatch(parts.stream.playback.hls);
  }

  static async open(options: SceneOptions): Promise<Scene> {
    const undo: (() => Promise<void>)[] = [];
    try {
      const stack = await startStack({ HOLDFAST_ALLOW_PRIVATE_ADDRESSES: '1' }, options.unattended ? [UNATTENDED] : []);
      undo.push(() => stack.stop());
      const api = new StackApi(await stack.run());
      const platform = await Platform.start(options.ffmpegPath);
      undo.push(() => platform.stop());
      const destinations = [{ name: 'drill', url: platform.url, streamKey: 'drill' }];
      const stream = await api.createStream({ name: 'drill', record: true, destinations });
      const publisher = new RetryingPublisher({ ffmpegPath: options.ffmpegPath, url: publishUrl(stream) });
      publisher.start();
      undo.push(() => publisher.stop('SIGKILL'));
      const live = await waitFor(async () => {
        const now = await api.stream(stream.id);
        return now?.status === 'live' && now.broadcastId;
      }, LIVE_LIMIT_MS);
      if (!live) throw new Error(`The stream did not become live: ${publisher.words}`);
      const viewer = await Viewer.open(options.chromiumPath, stream.playback.player);
      undo.push(() => viewer.close());
      const scene = new Scene({ options, stack, api, stream, broadcastId: live, publisher, viewer }, undo);
      undo.push(
        () => scene.status.stop(),
        () => scene.segments.stop(),
      );
      if (!(await scene.playsSteadily())) throw new Error('The viewer saw no picture');
      return scene;
    } catch (error) {
      for (const step of undo.reverse()) await step();
      throw error;
    }
  }

  /** Resolves when the picture moves without standing still and the API says live; false when the time is over. */
  async playsSteadily(limitMs = PLAYING_LIMIT_MS): Promise<boolean> {
    const steady = await waitFor(async () => {
      const now = Date.now();
      const recent = (await this.viewer.samples()).filter(({ at }) => at > now - STEADY_MS);
      if ((recent[0]?.at ?? now) > now - STEADY_MS / 2) return false;
      return judgePlayback(recent).longestStallMs < STEADY_STALL_MS && this.status.last?.status === 'live';
    }, limitMs);
    return steady !== null;
  }

  /** The encoder of the broadcast as the media host has it written down. */
  encoder(): EncoderRecord | null {
    const dir = dataPaths(this.stack.dataDir).encoders;
    const names = readdirSync(dir).filter((name) => name === `${this.broadcastId}.json`);
    return names[0] ? (JSON.parse(readFileSync(join(dir, names[0]), 'utf8')) as EncoderRecord) : null;
  }

  /** How many ffmpeg processes do what one should do. */
  encoderProcesses(): number {
    return processesWith(encoderMark(this.stack.dataDir)).length;
  }

  restreamProcesses(): number {
    // An encoder reads the programme, too, once its publisher has been away.
    const encoders = new Set(processesWith(encoderMark(this.stack.dataDir)));
    return processesWith(`/programme/${this.stream.id}`).filter((pid) => !encoders.has(pid)).length;
  }

  /** Ends everything it started. */
  async close(): Promise<void> {
    for (const step of this.#undo.splice(0).reverse()) await step();
  }

  /** A copy of what every process wrote, since the data folder goes with the drill. */
  async keepLogs(name: string): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), `holdfast-drill-${name}-`));
    await cp(dataPaths(this.stack.dataDir).logs, folder, { recursive: true });
    await writeFile(join(folder, 'timeline.json'), JSON.stringify(await this.api.events(this.stream.id), null, 2));
    return folder;
  }

  /** Something a fault has started, to be ended with the rest. */
  onClose(step: () => Promise<void>): void {
    this.#undo.push(step);
  }
}

interface SceneParts {
  options: SceneOptions;
  stack: Stack;
  api: StackApi;
  stream: StackStream;
  broadcastId: string;
  publisher: RetryingPublisher;
  viewer: Viewer;
}
