import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from '../launcher/ports/ports.js';

/** Stands for a social platform: an RTMP server that takes one connection after the other and throws away what it gets. */
export class Platform {
  readonly url: string;
  readonly #ffmpegPath: string;
  #child: ChildProcess | null = null;
  #stopped = false;
  #loop: Promise<void> = Promise.resolve();

  private constructor(ffmpegPath: string, port: number) {
    this.#ffmpegPath = ffmpegPath;
    this.url = `rtmp://127.0.0.1:${port}/drill`;
  }

  static async start(ffmpegPath: string): Promise<Platform> {
    const platform = new Platform(ffmpegPath, await freePort());
    platform.#loop = platform.#serve();
    return platform;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#child?.kill('SIGKILL');
    await this.#loop;
  }

  async #serve(): Promise<void> {
    while (!this.#stopped) {
      const args = [
        '-hide_banner',
        '-loglevel',
        'error',
        '-nostdin',
        '-listen',
        '1',
        '-f',
        'flv',
        '-i',
        this.url,
        '-c',
        'copy',
        '-f',
        'null',
        '-',
      ];
      this.#child = spawn(this.#ffmpegPath, args, { stdio: 'ignore' });
      await once(this.#child, 'exit');
    }
  }
}
