import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Context } from '@temporalio/activity';
import { Client, type Connection, type WorkflowHandle } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import type { CatalogActivities } from '../../activities/catalog.js';
import type { MediaActivities } from '../../activities/media.js';
import type { TranscodeInput, TranscodeResult } from '../../activities/transcode.js';
import type { RestreamInput } from '../../activities/restream.js';
import type { StreamProjection } from '../../domain/contracts/catalog.js';
import type { DestinationSummary } from '../../domain/contracts/destinations.js';
import type { RestreamEnd } from '../../domain/destination.js';
import type { StreamEvent } from '../../domain/event.js';
import type { SourceLayout } from '../../domain/source.js';
import type { StreamSettings } from '../../domain/stream.js';
import { mediaQueue, restreamWorkflowId, STREAMS_QUEUE, streamWorkflowId } from '../../domain/task-queues.js';
import { SEARCH_ATTRIBUTES } from '../../platform/temporal/search-attributes.js';
import type { streamWorkflow } from '../../workflows/index.js';
import {
  encoderPlayableSignal,
  publishStartedSignal,
  publishStoppedSignal,
  restreamLiveSignal,
  type PublishStarted,
  type PublishStopped,
} from '../../workflows/messages.js';
import { temporalTestServerPath } from '../support/toolchain.js';
import { until } from '../support/until.js';

// Only what is wrong: the SDK tells every worker's states otherwise.
Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } },
});

export const HOST_ID = 'test-host';
/** Another media host of the same stage; what is done there is told with its name. */
export const OTHER_HOST = 'other-host';
export const SOURCE: SourceLayout = {
  video: { codec: 'h264', width: 1280, height: 720, frameRate: 30 },
  audio: { codec: 'aac', sampleRate: 48000, channels: 2 },
};
const SETTINGS: StreamSettings = {
  playbackId: 'play',
  reusable: false,
  latency: 'low',
  ladder: null,
  record: false,
  reconnectWindowSeconds: 60,
  maxDurationSeconds: 3600,
  playbackPolicy: 'public',
};

const DROPPED: RestreamEnd = { code: 'destination_lost', detail: 'closed', wasLive: true, bytesSent: 1 };
/** Longer than any test waits for a host that stays away. */
const NEVER_MS = 600_000;

/** One running encoder of the stage: the test decides how it ends and when it becomes playable. */
export interface StagedEncoder {
  input: TranscodeInput;
  hostId: string;
  finish: (result: TranscodeResult) => void;
  /** The host tells the workflow so. */
  becomePlayable: () => Promise<void>;
}

/** One connection to a destination; the test decides what becomes of it. */
export interface StagedConnection {
  input: RestreamInput;
  hostId: string;
  finish: (end: RestreamEnd) => void;
  goLive: () => Promise<void>;
}

/** The outside of a workflow: what it did, in order, and the levers a test pulls. Activities are typed as the real ones. */
export class Stage {
  readonly calls: string[] = [];
  readonly projections: StreamProjection[] = [];
  readonly encoders: StagedEncoder[] = [];
  settings: StreamSettings = { ...SETTINGS };
  retentionHours = 1;
  destinations: DestinationSummary[] = [];
  /** Connections to destinations, in the order they were tried. */
  readonly connections: StagedConnection[] = [];
  /** Every connection is taken and dropped again at once. */
  flapping = false;
  /** A host keeps how a connection ended, for whoever asks for it again. */
  readonly #ends = new Map<string, RestreamEnd>();
  /** Destinations that do not answer when they are told to end. */
  readonly deaf = new Set<string>();
  /** Media hosts that take commands and answer none. */
  readonly goneHosts = new Set<string>();
  /** Set to make Postgres fail. */
  databaseAway = false;
  /** Publishers whose host says that they are there, and those it says are gone; about others it is silent. */
  readonly present = new Set<string>();
  readonly gone = new Set<string>();
  readonly #client: () => Client;

  constructor(client: () => Client) {
    this.#client = client;
  }

  get events(): StreamEvent[] {
    return this.projections.flatMap((projection) => projection.events);
  }

  get eventTypes(): string[] {
    return this.events.map((event) => event.type);
  }

  get status(): string | undefined {
    return this.projections.at(-1)?.status;
  }

  catalogActivities(): CatalogActivities {
    const database = <T>(value: T): T => {
      if (this.databaseAway) throw new Error('Postgres does not answer');
      return value;
    };
    return {
      openBroadcast: async () => database({ settings: this.settings, retentionHours: this.retentionHours }),
      streamSettings: async () => database(this.settings),
      recordProjections: async (projections) => void database(this.projections).push(...projections),
      destinationsOf: async () => database(this.destinations),
      broadcastsOf: async () =>
        [...new Set(this.encoders.map(({ input }) => input.broadcastId))].map((broadcastId) => ({ broadcastId, hostId: HOST_ID })),
      recordPart: async ({ hostId, durationSeconds }) => void this.calls.push(`recordPart ${hostId} ${durationSeconds}`),
      markMediaDeleted: async (broadcastId) => void this.calls.push(`markMediaDeleted ${broadcastId}`),
      purgeStream: async (streamId) => void this.calls.push(`purgeStream ${streamId}`),
    };
  }

  mediaActivities(hostId: string): MediaActivities {
    const call = async (what: string): Promise<void> => {
      await until(() => !this.goneHosts.has(hostId), `${hostId} to be back`, NEVER_MS);
      this.calls.push(hostId === HOST_ID ? what : `${what} at ${hostId}`);
    };
    return {
      transcode: (input) =>
        new Promise((resolve) => {
          const { streamId, broadcastId, epoch } = input;
          const becomePlayable = () =>
            this.#client().workflow.getHandle(streamWorkflowId(streamId)).signal(encoderPlayableSignal, { broadcastId, epoch });
          this.calls.push(hostId === HOST_ID ? `transcode ${epoch}` : `transcode ${epoch} at ${hostId}`);
          this.encoders.push({ input, hostId, finish: resolve, becomePlayable });
        }),
      awaitPlayable: () => new Promise(() => undefined),
      findPublisher: async ({ publishId }) => {
        const { cancellationSignal } = Context.current();
        const known = () => cancellationSignal.aborted || this.present.has(publishId) || this.gone.has(publishId);
        await until(known, `word of ${publishId}`, NEVER_MS);
        return { present: this.present.has(publishId) };
      },
      stopTranscode: async () => {
        await call('stopTranscode');
        this.encoders
          .filter((encoder) => encoder.hostId === hostId)
          .at(-1)
          ?.finish({ reason: 'stopped', detail: '', mediaSeconds: 1 });
      },
      finishPlaylists: async () => {
        await call('finishPlaylists');
        return { durationSeconds: 4, bytes: 1000 };
      },
      disconnectPublisher: async ({ publishId }) => call(`disconnect ${publishId}`),
      deleteMedia: async ({ broadcastId }) => call(`deleteMedia ${broadcastId}`),
      restream: (input) =>
        new Promise((resolve) => {
          const { broadcastId, destinationId, attempt } = input;
          const goLive = () =>
            this.#client().workflow.getHandle(restreamWorkflowId(broadcastId, destinationId)).signal(restreamLiveSignal, { attempt });
          const key = `${broadcastId}/${destinationId}/${attempt}`;
          const finish = (end: RestreamEnd): void => {
            this.#ends.set(key, end);
            resolve(end);
          };
          this.connections.push({ input, hostId, finish, goLive });
          const end = this.flapping ? DROPPED : this.#ends.get(key);
          if (end) resolve(end);
        }),
      awaitRestreamLive: () => new Promise(() => undefined),
      checkRestreamFormat: async ({ destinationId, source }) => {
        this.calls.push(`checkRestreamFormat ${destinationId}`);
        return { goesOn: source.video?.codec === 'h264' };
      },
      stopRestream: async ({ destinationId }) => {
        await call(`stopRestream ${destinationId}`);
        if (this.deaf.has(destinationId)) await new Promise(() => {});
        const open = this.connections.filter(({ input, hostId: host }) => input.destinationId === destinationId && host === hostId).at(-1);
        open?.finish({ code: 'stopped', detail: '', wasLive: true, bytesSent: 1 });
        return { forced: false };
      },
    };
  }

  /** The n-th connection (from 1) to a destination, once it is tried. */
  async connection(destinationId: string, number = 1): Promise<StagedConnection> {
    const made = () => this.connections.filter(({ input }) => input.destinationId === destinationId)[number - 1];
    return until(made, `connection ${number} to ${destinationId}`);
  }

  /** Types of the events about one destination, in order. */
  restreamEvents(destinationId: string): string[] {
    return this.events.filter(({ data }) => data.destinationId === destinationId).map(({ type }) => type);
  }

  /**
   * The n-th encoder (from 1), once it runs; made playable unless told not to.
   */
  async encoder(number: number, { playable = true } = {}): Promise<StagedEncoder> {
    const encoder = await until(() => this.encoders[number - 1], `encoder ${number} to start`);
    if (playable) await encoder.becomePlayable();
    return encoder;
  }
}

export interface StreamUnderTest {
  handle: WorkflowHandle<typeof streamWorkflow>;
  publish: (publishSeq: number, overrides?: Partial<PublishStarted>) => Promise<PublishStarted>;
  unpublish: (started: PublishStarted, overrides?: Partial<PublishStopped>) => Promise<void>;
}

async function registerSearchAttributes(env: TestWorkflowEnvironment): Promise<void> {
  const { INDEXED_VALUE_TYPE_KEYWORD } = temporal.api.enums.v1.IndexedValueType;
  const searchAttributes = Object.fromEntries(SEARCH_ATTRIBUTES.map((key) => [key.name, INDEXED_VALUE_TYPE_KEYWORD]));
  await env.connection.operatorService.addSearchAttributes({ namespace: env.namespace ?? 'default', searchAttributes });
}

/** A time-skipping server with the real workflows and a stage instead of the world. One per test: its clock is global. */
export class WorkflowBench {
  static #bundle: Promise<WorkflowBundleWithSourceMap> | undefined;
  readonly stage: Stage;
  readonly env: TestWorkflowEnvironment;
  readonly #stop: () => Promise<void>;

  private constructor(env: TestWorkflowEnvironment, stage: Stage, stop: () => Promise<void>) {
    this.env = env;
    this.stage = stage;
    this.#stop = stop;
  }

  static async create(): Promise<WorkflowBench> {
    WorkflowBench.#bundle ??= bundleWorkflowCode({
      workflowsPath: fileURLToPath(new URL('../../dist/workflows/index.js', import.meta.url)),
      logger: { log() {}, trace() {}, debug() {}, info() {}, warn: console.warn, error: console.error },
    });
    const workflowBundle = await WorkflowBench.#bundle;
    const env = await TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path: temporalTestServerPath() } },
    });
    await registerSearchAttributes(env);
    const stage = new Stage(() => env.client);
    const connection = env.nativeConnection;
    const streams = await Worker.create({ connection, taskQueue: STREAMS_QUEUE, workflowBundle, activities: stage.catalogActivities() });
    const hosts = await Promise.all(
      [HOST_ID, OTHER_HOST].map((hostId) =>
        Worker.create({
          connection,
          taskQueue: mediaQueue(hostId),
          activities: stage.mediaActivities(hostId),
          shutdownForceTime: '1 second',
        }),
      ),
    );
    const running = [streams, ...hosts].map((worker) => worker.run()).map((run) => run.catch((error: unknown) => String(error)));
    return new WorkflowBench(env, stage, async () => {
      for (const encoder of stage.encoders) encoder.finish({ reason: 'stopped', detail: '', mediaSeconds: 0 });
      for (const open of stage.connections) open.finish({ code: 'stopped', detail: '', wasLive: false, bytesSent: 0 });
      stage.goneHosts.clear();
      for (const worker of [streams, ...hosts]) worker.shutdown();
      await Promise.all(running);
      await env.teardown();
    });
  }

  async close(): Promise<void> {
    await this.#stop();
  }

  /** A stream that viewers can play, with its publisher and its encoder. */
  async live(): Promise<StreamUnderTest & { publisher: PublishStarted; encoder: StagedEncoder }> {
    const stream = await this.start();
    const publisher = await stream.publish(1);
    const encoder = await this.stage.encoder(1);
    await until(() => this.stage.status === 'live', 'live');
    return { ...stream, publisher, encoder };
  }

  /** A plain client: unlike the environment's own, waiting for a result with it skips no time. */
  get client(): Client {
    return new Client({ connection: this.env.connection as Connection });
  }

  async start(streamId = `str_${randomUUID()}`): Promise<StreamUnderTest> {
    const handle = await this.client.workflow.start<typeof streamWorkflow>('streamWorkflow', {
      taskQueue: STREAMS_QUEUE,
      workflowId: streamWorkflowId(streamId),
      args: [{ streamId }],
    });
    return {
      handle,
      publish: async (publishSeq, overrides = {}) => {
        const started: PublishStarted = {
          eventId: randomUUID(),
          streamId,
          publishId: `pub-${publishSeq}`,
          publishSeq,
          hostId: HOST_ID,
          source: SOURCE,
          remoteAddress: '127.0.0.1:50000',
          ...overrides,
        };
        await handle.signal(publishStartedSignal, started);
        return started;
      },
      unpublish: async ({ publishId, publishSeq }, overrides = {}) =>
        handle.signal(publishStoppedSignal, { eventId: randomUUID(), publishId, publishSeq, reason: 'closed', ...overrides }),
    };
  }
}
