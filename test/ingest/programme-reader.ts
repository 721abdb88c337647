import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { SourceLayout } from '../../domain/source.js';
import { tagsOfFile } from '../../ingest/rtmp/flv.js';
import { type MediaTag, readMediaTag } from '../../ingest/rtmp/media-tag.js';
import { createIngestClient, type IngestClient } from '../../media/control-client.js';
import { ensureSlate } from '../../media/slate/slate.js';
import { ffmpegPath } from '../support/toolchain.js';
import { until } from '../support/until.js';
import type { TestIngest } from './support.js';

export const slateFor = (ingest: TestIngest, source: SourceLayout): Promise<string | null> =>
  ensureSlate({ dir: ingest.slatesDir, ffmpegPath: ffmpegPath(), source });

export const clientOf = (ingest: TestIngest): IngestClient => createIngestClient(`http://127.0.0.1:${ingest.controlPort}`, ingest.access);

export const programmeUrl = (ingest: TestIngest, streamId: string, slate: string | null): string =>
  clientOf(ingest).programmeUrl(streamId, slate);

/** Keeps everything a programme sends. */
export class ProgrammeReader {
  readonly #chunks: Buffer[] = [];
  readonly #abort: AbortController;
  readonly #finished: Promise<void>;
  ended = false;

  private constructor(response: Response, abort: AbortController) {
    this.#abort = abort;
    this.#finished = this.#read(response);
  }

  static async open(ingest: TestIngest, slate: string | null, streamId = 'str_1'): Promise<ProgrammeReader> {
    const abort = new AbortController();
    const response = await fetch(programmeUrl(ingest, streamId, slate), { signal: abort.signal });
    if (response.status !== 200) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
    return new ProgrammeReader(response, abort);
  }

  async #read(response: Response): Promise<void> {
    try {
      const body = response.body as unknown as AsyncIterable<Uint8Array>;
      for await (const chunk of body) this.#chunks.push(Buffer.from(chunk));
      this.ended = true;
    } catch {
      // Undici's word for a body that ends with its connection, and for our own abort.
      this.ended = !this.#abort.signal.aborted;
    }
  }

  get file(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get tags(): MediaTag[] {
    return tagsOfFile(this.file)
      .map(readMediaTag)
      .filter((tag) => tag !== null);
  }

  /** Frames of one track, or of both. */
  frames(track?: 'audio' | 'video'): MediaTag[] {
    return this.tags.filter(({ kind, track: its }) => kind !== 'config' && (track === undefined || its === track));
  }

  /** Sequence headers of the picture: one at the start and one at each splice. */
  get splices(): MediaTag[] {
    return this.tags.filter(({ kind, track }) => kind === 'config' && track === 'video');
  }

  async spliced(count: number): Promise<void> {
    await until(() => this.splices.length >= count, `splice ${count}`);
  }

  /** Waits until the newest frame of a track is this many milliseconds beyond the newest sequence header. */
  async flows(ms: number, track: 'audio' | 'video' = 'video'): Promise<void> {
    await until(() => {
      const { tags } = this;
      const splice = tags.findLast(({ kind }) => kind === 'config');
      const newest = tags.findLast((tag) => tag.track === track && tag.kind !== 'config');
      return splice && newest && newest.timeMs - splice.timeMs >= ms;
    }, `${ms} ms of ${track}`);
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#finished;
  }
}

/** The largest step and the largest step back between neighbours of one track, milliseconds. */
export function stepsOf(frames: readonly { timeMs: number }[]): { largest: number; smallest: number } {
  const steps = frames.slice(1).map(({ timeMs }, index) => timeMs - (frames[index]?.timeMs ?? 0));
  return { largest: Math.max(...steps), smallest: Math.min(...steps) };
}

const LOOK_WIDTH = 32;
const LOOK_HEIGHT = 18;
/** The slate is dark, test pictures are colourful. */
const DARK = 50;

/**
 * Decodes a file and tells for each picture whether it is the slate (`S`) or of an encoder (`E`): `EES` for two
 * pictures and a slate. Decoder's complaints come after it.
 */
export async function lookAt(file: Buffer): Promise<string> {
  const child = spawn(ffmpegPath(), [
    '-hide_banner',
    '-nostdin',
    '-loglevel',
    'warning',
    '-f',
    'flv',
    '-i',
    'pipe:0',
    '-map',
    '0:v',
    '-vf',
    `scale=${LOOK_WIDTH}:${LOOK_HEIGHT},format=gray`,
    '-fps_mode',
    'passthrough',
    // A frame rate that ffmpeg guesses wrongly must not round two pictures to one time.
    '-enc_time_base',
    '1:1000',
    '-f',
    'rawvideo',
    'pipe:1',
  ]);
  const pictures: Buffer[] = [];
  let complaints = '';
  child.stdout.on('data', (data: Buffer) => pictures.push(data));
  child.stderr.on('data', (data: Buffer) => (complaints += data.toString()));
  child.stdin.on('error', () => undefined);
  child.stdin.end(file);
  await once(child, 'close');
  const raw = Buffer.concat(pictures);
  const size = LOOK_WIDTH * LOOK_HEIGHT;
  let seen = '';
  for (let at = 0; at + size <= raw.length; at += size) {
    const mean = raw.subarray(at, at + size).reduce((sum, value) => sum + value, 0) / size;
    seen += mean < DARK ? 'S' : 'E';
  }
  return seen + complaints;
}
