import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import type { PublisherStatus } from '../../domain/contracts/ingest-control.js';
import type { BroadcastStatus } from '../../domain/contracts/origin-control.js';
import type { TranscodeInput } from '../../domain/contracts/transcode.js';
import type { IngestClient, OriginClient } from '../../media/control-client.js';
import { EncoderHost, type EncoderHostDeps, type EncoderKey } from '../../media/encoder/encoder-host.js';
import { EncoderRegistry } from '../../media/encoder/encoder-registry.js';

/** What ffmpeg is here: a process of that name which runs until it is ended, so that hundreds cost nothing. */
const STAND_IN = '#!/bin/sh\nexec sleep 600\n';
/** How long the origin holds a question for a picture. */
const HOLD_MS = 20;

/** The origin and the ingest of a media host as an encoder's host sees them; a test says what they answer. */
export class EncoderBench {
  readonly dir = mkdtempSync(join(tmpdir(), 'holdfast-encoders-'));
  readonly registry = new EncoderRegistry(join(this.dir, 'encoders'));
  readonly told: EncoderKey[] = [];
  readonly health: string[] = [];
  /** Epoch of the newest encoder at the origin. */
  epoch = 0;
  playable = false;
  state: BroadcastStatus['state'] = 'open';
  mediaSeconds = 1;
  publisher: 'silent' | 'gone' | 'away' = 'silent';
  /** Told that a viewer can play fails so often. */
  temporalAway = 0;
  /** The origin answers no start before this. */
  opened: Promise<void> = Promise.resolve();
  readonly #hosts: EncoderHost[] = [];
  ffmpegPath = join(this.dir, 'ffmpeg');

  constructor() {
    writeFileSync(this.ffmpegPath, STAND_IN);
    chmodSync(this.ffmpegPath, 0o755);
  }

  get #status(): BroadcastStatus {
    const { epoch, playable, state, mediaSeconds } = this;
    const renditions = [{ id: 'audio', connected: true, mediaSeconds, bytes: 1, segments: 1 }];
    return { broadcastId: 'brd_1', state, epoch, playable, renditions, durationSeconds: 1, bytes: 1, unstoredSince: null };
  }

  readonly origin = {
    open: () => this.opened,
    startEncode: async (_id: string, { epoch }: { epoch: number }) => {
      this.epoch = epoch;
      return { sockets: { audio: join(this.dir, `${epoch}.sock`) } };
    },
    status: async () => this.#status,
    awaitPlayable: async () => {
      await delay(HOLD_MS);
      return this.#status;
    },
  } as unknown as OriginClient;

  readonly ingest = {
    publisher: async () => {
      if (this.publisher === 'away') throw new Error('no answer');
      return this.publisher === 'gone'
        ? null
        : ({ idleMs: 60_000, mediaMs: 0, publishId: 'pub', gop: null, readers: {} } as unknown as PublisherStatus);
    },
    relayUrl: () => 'http://ingest/relay.flv',
    relayStart: async () => ({ receivedAt: null }),
  } as unknown as IngestClient;

  /** A host as a new worker has it: it has found what runs already. */
  async host(changes: Partial<EncoderHostDeps> = {}): Promise<EncoderHost> {
    const host = new EncoderHost({
      origin: this.origin,
      ingest: this.ingest,
      registry: this.registry,
      ffmpegPath: this.ffmpegPath,
      encoder: { name: 'libx264', preset: 'ultrafast' },
      maxPixels: 1920 * 1088,
      slatesDir: join(this.dir, 'slates'),
      logPath: (broadcastId, epoch) => join(this.dir, 'logs', `${broadcastId}-${epoch}.log`),
      tell: {
        playable: async (_streamId, encoder) => {
          if (this.temporalAway-- > 0) throw new Error('Temporal does not answer');
          this.told.push(encoder);
        },
        health: async (_streamId, { problem }) => void this.health.push(problem),
      },
      log: pino({ level: 'silent' }),
      ...changes,
    });
    this.#hosts.push(host);
    await host.resume();
    return host;
  }

  input(epoch: number, broadcastId = 'brd_1'): TranscodeInput {
    const settings = {
      ladder: null,
      playbackId: 'play',
      latency: 'low',
      playbackPolicy: 'public',
      record: false,
      reconnectWindowSeconds: 0,
    };
    const source = { video: null, audio: { codec: 'aac', sampleRate: 48000, channels: 2 } };
    const rest = { settings, source, after: null, programme: false };
    return { streamId: 'str_1', broadcastId, publishId: 'pub', epoch, ...rest } as unknown as TranscodeInput;
  }

  async close(): Promise<void> {
    for (const host of this.#hosts) host.close();
    await this.registry.stopAll();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
