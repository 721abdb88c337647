import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { ffmpegPath } from './toolchain.js';

export interface PublishOptions {
  /** lavfi picture, or null for sound only. */
  video?: string | null;
  /** lavfi sound, or null for a picture only. */
  audio?: string | null;
  /** Encoder options in place of x264 ultrafast with a 2 s GOP. */
  videoCodec?: string[];
  audioCodec?: string[];
}

const X264 = [
  '-c:v',
  'libx264',
  '-preset',
  'ultrafast',
  '-tune',
  'zerolatency',
  '-pix_fmt',
  'yuv420p',
  '-g',
  '60',
  '-keyint_min',
  '60',
  '-sc_threshold',
  '0',
  '-b:v',
  '1500k',
];
const AAC = ['-c:a', 'aac', '-b:a', '96k'];
const STDERR_KEPT = 4000;

/** A real encoder that publishes in real time until stopped. */
export class Publisher {
  readonly process: ChildProcess;
  #stderr = '';

  constructor(url: string, options: PublishOptions = {}) {
    const {
      video = 'testsrc2=size=640x360:rate=30',
      audio = 'sine=frequency=440:sample_rate=48000',
      videoCodec = X264,
      audioCodec = AAC,
    } = options;
    this.process = spawn(
      ffmpegPath(),
      [
        '-hide_banner',
        '-loglevel',
        'warning',
        '-nostdin',
        ...(video ? ['-re', '-f', 'lavfi', '-i', video] : []),
        ...(audio ? ['-re', '-f', 'lavfi', '-i', audio] : []),
        ...(video ? videoCodec : []),
        ...(audio ? audioCodec : []),
        '-f',
        'flv',
        url,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.process.stderr!.on('data', (chunk: Buffer) => (this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_KEPT)));
  }

  get stderr(): string {
    return this.#stderr;
  }

  get running(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** Ends it as an encoder's stop button does; waits until it is gone. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
    if (!this.running) return;
    const exit = once(this.process, 'exit');
    this.process.kill(signal);
    await exit;
  }

  async exited(): Promise<number | null> {
    if (this.running) await once(this.process, 'exit');
    return this.process.exitCode;
  }
}
