import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { HEIGHT, numberFilters, RUNS, WIDTH } from './frame-numbers.js';

const FRAME_RATE = 30;
const GOP = 60;
const RETRY_MS = 1000;
const KEPT_WORDS = 2000;

export interface PublisherOptions {
  ffmpegPath: string;
  /** `rtmp://host:port/app/key` */
  url: string;
  width?: number;
  height?: number;
}

/** An encoder as encoders are: 720p30 with a keyframe every 2 s, and when the connection goes, a new try each second. */
export class RetryingPublisher {
  readonly #options: PublisherOptions;
  #url: string;
  #child: ChildProcess | null = null;
  #run = 0;
  #wanted = false;
  #loop: Promise<void> = Promise.resolve();
  #pause = new AbortController();
  #words = '';

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#url = options.url;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('The publisher does not run');
    return pid;
  }

  get words(): string {
    return this.#words;
  }

  start(url = this.#options.url): void {
    this.#url = url;
    this.#wanted = true;
    this.#pause = new AbortController();
    this.#loop = this.#publish();
  }

  /** Ends it and does not come back; `SIGKILL`: like a machine whose power goes. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
    this.#wanted = false;
    this.#pause.abort();
    this.#child?.kill(signal);
    // A frozen one takes nothing else.
    this.#child?.kill('SIGCONT');
    await this.#loop;
  }

  async #publish(): Promise<void> {
    while (this.#wanted) {
      this.#run = (this.#run % (RUNS - 1)) + 1;
      const child = spawn(this.#options.ffmpegPath, this.#arguments(), { stdio: ['ignore', 'ignore', 'pipe'] });
      this.#child = child;
      child.stderr.on('data', (chunk: Buffer) => (this.#words = (this.#words + chunk.toString()).slice(-KEPT_WORDS)));
      await once(child, 'exit');
      this.#child = null;
      if (this.#wanted) await delay(RETRY_MS, undefined, { signal: this.#pause.signal }).catch(() => undefined);
    }
  }

  #arguments(): string[] {
    const { width = WIDTH, height = HEIGHT } = this.#options;
    return [
      '-hide_banner',
      '-loglevel',
      'error',
      '-nostdin',
      '-re',
      '-f',
      'lavfi',
      '-i',
      `testsrc2=size=${width}x${height}:rate=${FRAME_RATE}`,
      '-re',
      '-f',
      'lavfi',
      '-i',
      'sine=frequency=330:beep_factor=4:sample_rate=48000',
      '-vf',
      numberFilters(this.#run),
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-tune',
      'zerolatency',
      '-pix_fmt',
      'yuv420p',
      '-g',
      String(GOP),
      '-keyint_min',
      String(GOP),
      '-sc_threshold',
      '0',
      '-b:v',
      '2500k',
      '-c:a',
      'aac',
      '-b:a',
      '128k',
      '-flush_packets',
      '1',
      '-f',
      'flv',
      this.#url,
    ];
  }
}
