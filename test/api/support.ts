import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { WorkflowClient } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { Knex } from 'knex';
import { pino } from 'pino';
import { createCatalogActivities } from '../../activities/catalog.js';
import { createApp } from '../../api/app.js';
import type { ApiDependencies } from '../../api/dependencies.js';
import { listen, type Listening } from '../../api/listen.js';
import { createStreamCommands } from '../../api/workflow-commands.js';
import { createSecretBox, type SecretBox } from '../../platform/auth/secret-box.js';
import { signToken, type TokenRequest } from '../../platform/auth/tokens.js';
import { connectDatabase, pingDatabase } from '../../platform/db/connection.js';
import { ensureDevelopmentKey } from '../../platform/db/development-key.js';
import { migrate } from '../../platform/db/migrate.js';
import type { ApiKeyPair, ApiKeyRepository } from '../../platform/db/repositories/api-keys.js';
import { createApiKeyRepository } from '../../platform/db/repositories/api-keys.js';
import { createBroadcastRepository } from '../../platform/db/repositories/broadcasts.js';
import { createCatalog } from '../../platform/db/repositories/catalog.js';
import { createDestinationRepository } from '../../platform/db/repositories/destinations.js';
import { createEventRepository } from '../../platform/db/repositories/events.js';
import { createHostRepository } from '../../platform/db/repositories/hosts.js';
import { createIdempotencyRepository } from '../../platform/db/repositories/idempotency.js';
import { createRecordingRepository } from '../../platform/db/repositories/recordings.js';
import { createStreamRepository } from '../../platform/db/repositories/streams.js';
import { STREAMS_QUEUE } from '../../domain/task-queues.js';
import { createRegistry } from '../../platform/ops/ops-server.js';
import { createTemporalClient } from '../../platform/temporal/client.js';
import { SEARCH_ATTRIBUTES } from '../../platform/temporal/search-attributes.js';
import { createTestDatabase } from '../support/postgres.js';
import { temporalPath } from '../support/toolchain.js';

// Only what is wrong: the SDK tells every worker's states otherwise.
Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } },
});

const HOST = '127.0.0.1';
const BUNDLE = { codePath: fileURLToPath(new URL('../../dist/workflow-bundle.js', import.meta.url)) };
const ANY_PORT = 0;
const CHECK_DEADLINE_MS = 1500;
export const ADDRESSES = { rtmp: 'rtmp://media.test/live', playback: 'http://media.test', hostId: 'local', playbackIsShared: false };

export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  /** Parsed JSON, or null. */
  body: Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any -- what was answered is what is tested
}

export interface CallOptions {
  /** Sent as JSON, a string as it is. */
  body?: unknown;
  /** HTTP Basic with the development key unless said otherwise; null = no credential. */
  authorization?: string | null;
  headers?: Record<string, string>;
}

/** The API as a process has it, on a database of its own and with a Temporal server of its own. */
export interface ApiBench {
  db: Knex;
  secrets: SecretBox;
  key: ApiKeyPair;
  workflows: WorkflowClient;
  /** What the API logged, unredacted: one JSON line each. */
  logged: string[];
  baseUrl: string;
  call(method: string, path: string, options?: CallOptions): Promise<Reply>;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- see Reply
  createStream(body?: Record<string, unknown>): Promise<Record<string, any>>;
  bearer(request: Partial<TokenRequest>): Promise<string>;
  stopWorker(): Promise<void>;
  startWorker(): Promise<void>;
  close(): Promise<void>;
}

export interface BenchOptions {
  /** Module with a workflow to run instead of Holdfast's own. */
  workflowsPath?: string;
  requestsPerMinute?: number;
}

export const basic = ({ apiKey, apiSecret }: ApiKeyPair): string => `Basic ${Buffer.from(`${apiKey}:${apiSecret}`).toString('base64')}`;

/** What a process has of the API: the parts that need neither a Temporal server nor workers of their own. */
export async function startApi({
  db,
  secrets,
  temporalAddress,
  requestsPerMinute = 1_000_000,
  allowPrivateAddresses = false,
  trustedProxies = [],
  apiKeys = createApiKeyRepository(db, secrets),
}: {
  db: Knex;
  secrets: SecretBox;
  temporalAddress: string;
  requestsPerMinute?: number;
  allowPrivateAddresses?: boolean;
  trustedProxies?: readonly string[];
  apiKeys?: ApiKeyRepository;
}): Promise<{ listening: Listening; baseUrl: string; logged: string[]; stop: () => Promise<void>; deps: ApiDependencies }> {
  const logged: string[] = [];
  const temporal = createTemporalClient({ address: temporalAddress, namespace: 'default', failFast: true });
  const deps: ApiDependencies = {
    apiKeys,
    streams: createStreamRepository(db, secrets),
    broadcasts: createBroadcastRepository(db),
    recordings: createRecordingRepository(db),
    destinations: createDestinationRepository(db, secrets),
    events: createEventRepository(db),
    hosts: createHostRepository(db),
    idempotency: createIdempotencyRepository(db, secrets),
    commands: createStreamCommands(temporal),
    addresses: ADDRESSES,
    readyChecks: {
      database: () => pingDatabase(db),
      temporal: async () => {
        await temporal.connection.withDeadline(Date.now() + CHECK_DEADLINE_MS, () => temporal.workflowService.getSystemInfo({}));
      },
    },
    registry: createRegistry('api'),
    log: pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) }),
    allowPrivateAddresses,
    requestsPerMinute,
    trustedProxies,
  };
  const listening = await listen(createApp(deps), HOST, ANY_PORT);
  const { port } = listening.server.address() as AddressInfo;
  const stop = async () => {
    await listening.close(0);
    await temporal.connection.close();
  };
  return { listening, baseUrl: `http://${HOST}:${port}`, logged, stop, deps };
}

/** One request; never throws for a status. */
export async function request(baseUrl: string, method: string, path: string, options: CallOptions = {}): Promise<Reply> {
  const { body, authorization, headers = {} } = options;
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${baseUrl}${path}`, {
    method,
    body: text,
    headers: {
      ...(text === undefined ? {} : { 'content-type': 'application/json' }),
      ...(authorization ? { authorization } : {}),
      ...headers,
    },
  });
  const answer = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, text: answer, body: isJson && answer ? JSON.parse(answer) : null };
}

export async function createApiBench(options: BenchOptions = {}): Promise<ApiBench> {
  const database = await createTestDatabase();
  await migrate(database.url);
  const db = connectDatabase(database.url);
  const secrets = createSecretBox(randomBytes(32));
  const key = await ensureDevelopmentKey(db, secrets);
  const temporal = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'existing-path', path: temporalPath() }, searchAttributes: SEARCH_ATTRIBUTES },
  });
  const api = await startApi({ db, secrets, temporalAddress: temporal.address, requestsPerMinute: options.requestsPerMinute });
  let stopWorker = async (): Promise<void> => undefined;

  const bench: ApiBench = {
    db,
    secrets,
    key,
    workflows: temporal.client.workflow,
    logged: api.logged,
    baseUrl: api.baseUrl,
    call: (method, path, callOptions = {}) =>
      request(api.baseUrl, method, path, {
        ...callOptions,
        authorization: callOptions.authorization === undefined ? basic(key) : callOptions.authorization,
      }),
    async createStream(body = {}) {
      const reply = await bench.call('POST', '/v1/streams', { body });
      if (reply.status !== 201) throw new Error(`create answered ${reply.status}: ${reply.text}`);
      return reply.body;
    },
    async bearer(wanted) {
      const { token } = await signToken({ ...key, permissions: ['admin'], expiresInSeconds: 60, ...wanted });
      return `Bearer ${token}`;
    },
    async startWorker() {
      const worker = await Worker.create({
        connection: temporal.nativeConnection,
        taskQueue: STREAMS_QUEUE,
        ...(options.workflowsPath ? { workflowsPath: options.workflowsPath } : { workflowBundle: BUNDLE }),
        activities: createCatalogActivities({ catalog: createCatalog(db), retentionHours: 1 }),
        shutdownForceTime: '1 second',
      });
      const running = worker.run();
      stopWorker = async () => {
        stopWorker = async () => undefined;
        worker.shutdown();
        await running;
      };
    },
    stopWorker: () => stopWorker(),
    async close() {
      await api.stop();
      await stopWorker();
      await temporal.teardown();
      await db.destroy();
      await database.drop();
    },
  };
  await bench.startWorker();
  return bench;
}
