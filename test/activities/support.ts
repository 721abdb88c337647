import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createRestreamActivities, type RestreamActivities, type RestreamInput } from '../../activities/restream.js';
import type { RestreamConnection } from '../../domain/contracts/restream.js';
import type { DestinationTarget } from '../../domain/contracts/destinations.js';
import type { RestreamEnd } from '../../domain/destination.js';
import type { SourceLayout } from '../../domain/source.js';
import { createLogger } from '../../platform/log/logger.js';
import { RestreamHost, type RestreamHostDeps } from '../../media/restream/restream-host.js';
import { RestreamRegistry } from '../../media/restream/restream-registry.js';
import { Programme } from '../support/programme.js';
import { RtmpPlatform, type RtmpPlatformOptions } from '../support/rtmp-platform.js';
import { ffmpegPath } from '../support/toolchain.js';

export const SOURCE: SourceLayout = {
  video: { codec: 'h264', width: 320, height: 180, frameRate: 30 },
  audio: { codec: 'aac', sampleRate: 48000, channels: 1 },
};
export const KEY = 'live_4-secret_key';

/** One run of the `restream` activity, as a worker makes it. */
export interface RestreamRun {
  end: Promise<RestreamEnd>;
  /** What it heartbeat last. */
  progress: () => { pid: number; bytesSent: number } | null;
  /** Like a worker that is shut down: the activity hears it, the workflow has not asked for it. */
  shutDown: () => void;
  /** Like the workflow's cancellation. */
  cancel: () => void;
}

/** A media host with one programme, and platforms to send it to. */
export class RestreamBench {
  readonly dir = mkdtempSync(join(tmpdir(), 'holdfast-restream-'));
  readonly restreams = new RestreamRegistry(join(this.dir, 'restreams'));
  readonly targets = new Map<string, DestinationTarget>();
  readonly reported: number[] = [];
  programme!: Programme;
  /** Connections whose workflow was told that they are live. */
  readonly told: RestreamConnection[] = [];
  readonly #hosts: RestreamHost[] = [];
  readonly #platforms: RtmpPlatform[] = [];

  async play(clipPath: string): Promise<void> {
    this.programme = await Programme.start(clipPath);
  }

  async platform(name: string, options: Partial<RtmpPlatformOptions> = {}): Promise<RtmpPlatform> {
    const platform = await RtmpPlatform.start({ dir: this.dir, name, ...options });
    this.#platforms.push(platform);
    return platform;
  }

  target(destinationId: string, url: string, changes: Partial<DestinationTarget> = {}): void {
    this.targets.set(destinationId, {
      destinationId,
      streamId: 'str_1',
      url,
      streamKey: KEY,
      rendition: 'source',
      slate: true,
      ...changes,
    });
  }

  /** A host as a new worker has it: it has found what runs already. */
  async host(changes: Partial<RestreamHostDeps> = {}): Promise<RestreamHost> {
    const host = this.#newHost(changes);
    await host.resume();
    return host;
  }

  activities(changes: Partial<RestreamHostDeps> = {}): RestreamActivities {
    return createRestreamActivities(this.#newHost(changes));
  }

  #newHost(changes: Partial<RestreamHostDeps>): RestreamHost {
    const host = new RestreamHost({
      ffmpegPath: ffmpegPath(),
      encoder: { name: 'libx264', preset: 'ultrafast' },
      maxPixels: 1920 * 1088,
      restreams: this.restreams,
      targets: {
        resolve: async (id) => this.targets.get(id) ?? null,
        reportProgress: async (_id, bytes) => void this.reported.push(bytes),
      },
      programmeUrl: (_streamId, _slate, reader) => this.programme.urlFor(reader),
      endReader: async (reader) => this.programme.endReader(reader),
      slatesDir: join(this.dir, 'slates'),
      restreamLogPath: ({ broadcastId, destinationId }) => join(this.dir, 'logs', `${broadcastId}-${destinationId}.log`),
      allowPrivateAddresses: true,
      caFile: null,
      maxRestreams: 100,
      tell: { live: async (connection) => void this.told.push(connection) },
      log: createLogger('test', 'error'),
      ...changes,
    });
    this.#hosts.push(host);
    return host;
  }

  run(activities: RestreamActivities, destinationId: string, attempt = 1, source: SourceLayout = SOURCE): RestreamRun {
    const env = new MockActivityEnvironment();
    let progress: { pid: number; bytesSent: number } | null = null;
    env.on('heartbeat', (details?: { pid: number; bytesSent: number }) => (progress = details ?? progress));
    const input: RestreamInput = { streamId: 'str_1', broadcastId: 'brd_1', destinationId, attempt, source };
    const end = env.run(activities.restream, input) as Promise<RestreamEnd>;
    // Each test looks at it or not; one that was shut down on purpose is no unhandled rejection.
    end.catch(() => undefined);
    const details = { notFound: false, cancelRequested: false, paused: false, timedOut: false, workerShutdown: false, reset: false };
    return {
      end,
      progress: () => progress,
      shutDown: () => env.cancel('WORKER_SHUTDOWN', { ...details, workerShutdown: true }),
      cancel: () => env.cancel('CANCELLED', { ...details, cancelRequested: true }),
    };
  }

  /** Returns when that connection is live. */
  live(activities: RestreamActivities, destinationId: string, attempt = 1): Promise<void> {
    const env = new MockActivityEnvironment();
    return env.run(activities.awaitRestreamLive, { broadcastId: 'brd_1', destinationId, attempt }) as Promise<void>;
  }

  stop(activities: RestreamActivities, destinationId: string): Promise<{ forced: boolean }> {
    return activities.stopRestream({ broadcastId: 'brd_1', destinationId });
  }

  async close(): Promise<void> {
    for (const host of this.#hosts) host.close();
    await this.restreams.stopAll(500);
    await Promise.all(this.#platforms.map((platform) => platform.stop()));
    await this.programme?.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
