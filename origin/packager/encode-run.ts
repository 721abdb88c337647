import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import type { Rendition } from '../../domain/ladder.js';
import type { Logger } from '../../platform/log/logger.js';
import type { InitSegment } from '../fmp4/init-segment.js';
import type { PartProfile } from '../hls/part-target.js';
import { CutGrid } from './cut-grid.js';
import type { CutPart, CutSegment } from './cut-segment.js';
import { RenditionInput } from './rendition-input.js';

/** What becomes of the cuts of one run. */
export interface CutSink {
  /** A part is complete; always before its segment. */
  part(rendition: string, segment: CutSegment, part: CutPart): void;
  segment(rendition: string, segment: CutSegment): void;
  /** The encoder has ended. @param open the unfinished segments */
  finish(open: ReadonlyMap<string, CutSegment | null>): void;
}

export interface EncodeRunOptions {
  renditions: readonly Rendition[];
  gopSeconds: number;
  /** See StartEncode. */
  firstGopSeconds?: number | undefined;
  /** Rendition id → path of the socket to listen on. */
  sockets: Record<string, string>;
  log: Logger;
  onInit: (renditionId: string, init: InitSegment) => void;
  parts: PartProfile;
  /** See SegmenterOptions. */
  cutsOverdue: boolean;
  sink: CutSink;
  /** One output was closed because of what it sent. */
  onRefused: () => void;
  /** Once, after the last segment. */
  onFinished: () => void;
}

/** One encoder process writing one broadcast: its sockets, its cut grid, its segments. Over when the encoder is. */
export class EncodeRun {
  readonly sockets: Record<string, string>;
  readonly inputs = new Map<string, RenditionInput>();
  /** T0 of the run and the wall clock (ms) when its frame came from the encoder; null before. */
  started: { mediaSeconds: number; wallMs: number } | null = null;
  finished = false;
  #options: EncodeRunOptions;
  #grid: CutGrid;
  #servers: Server[] = [];

  constructor(options: EncodeRunOptions) {
    this.#options = options;
    this.sockets = options.sockets;
    const listenedAt = performance.now();
    const { gopSeconds, firstGopSeconds } = options;
    this.#grid = new CutGrid({ gopSeconds, firstGopSeconds }, (time) => {
      this.started = { mediaSeconds: time, wallMs: Date.now() };
      options.log.info({ afterMs: Math.round(performance.now() - listenedAt) }, 'first frame of the encoder');
    });
    const hasVideo = options.renditions.some(({ kind }) => kind === 'video');
    for (const rendition of options.renditions) {
      this.inputs.set(rendition.id, this.#createInput(rendition, rendition.kind === 'video' || !hasVideo));
    }
  }

  /** Listens on every socket; ffmpeg connects to each once. A start that fails leaves no socket behind. */
  async listen(): Promise<void> {
    try {
      await Promise.all([...this.inputs].map(([id, input]) => this.#listenFor(id, input)));
    } catch (error) {
      this.#stopListening();
      throw error;
    }
  }

  /** The others went on without this rendition: it begins again at this grid point. */
  skipTo(rendition: string, index: number): void {
    this.inputs.get(rendition)!.skipTo(index);
  }

  /** Refuses every later byte and publishes what all renditions have. Idempotent. */
  close(): void {
    this.#stopListening();
    for (const input of this.inputs.values()) input.close();
    this.#finish();
  }

  /** Lets an encoder that was stopped deliver its last bytes: waits for the end of every socket, then closes. */
  async drain(limitMs: number): Promise<void> {
    this.#stopListening();
    const POLL_MS = 10;
    const deadline = Date.now() + limitMs;
    while (!this.finished && this.#isConnected() && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    if (this.#isConnected()) this.#options.log.warn({ limitMs }, 'encoder still writing at the end of the broadcast; closed');
    this.close();
  }

  #createInput(rendition: Rendition, startsGrid: boolean): RenditionInput {
    const { log, parts, cutsOverdue, sink } = this.#options;
    return new RenditionInput({
      rendition,
      grid: this.#grid,
      startsGrid,
      parts,
      cutsOverdue,
      onInit: (init) => this.#options.onInit(rendition.id, init),
      onPart: (segment, part) => sink.part(rendition.id, segment, part),
      onSegment: (segment) => sink.segment(rendition.id, segment),
      onFault: (error) => log.error({ rendition: rendition.id, err: error }, 'packager failed on encoder output'),
      onClosed: (reason) => {
        if (reason) {
          this.#options.onRefused();
          log.warn({ rendition: rendition.id, reason }, 'encoder output refused');
        }
        if (!this.#isConnected()) this.close();
      },
    });
  }

  #listenFor(id: string, input: RenditionInput): Promise<void> {
    const server = createServer((socket) => {
      if (input.connected || input.bytes > 0) {
        socket.destroy();
        return;
      }
      // One encoder per socket: a second one finds nobody listening. Closing also removes the file.
      server.close();
      input.attach(socket);
    });
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      const path = this.sockets[id]!;
      // A file left by a killed process would refuse the new listener.
      rm(path, { force: true }).then(() => server.listen(path, resolve), reject);
    });
  }

  #isConnected(): boolean {
    return [...this.inputs.values()].some((input) => input.connected);
  }

  #stopListening(): void {
    for (const server of this.#servers.splice(0)) server.close();
  }

  #finish(): void {
    if (this.finished) return;
    this.finished = true;
    const open = new Map([...this.inputs].map(([id, input]) => [id, input.open]));
    this.#options.sink.finish(open);
    this.#options.onFinished();
  }
}
