import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { Knex } from 'knex';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createControlAccess } from '../../platform/auth/control-access.js';
import { createSecretBox } from '../../platform/auth/secret-box.js';
import { connectDatabase } from '../../platform/db/connection.js';
import { migrate } from '../../platform/db/migrate.js';
import { createStreamRepository } from '../../platform/db/repositories/streams.js';
import { HoldfastError } from '../../domain/errors.js';
import { STREAMS_QUEUE, streamWorkflowId } from '../../domain/task-queues.js';
import { createStreamSignals } from '../../ingest/publish/stream-signals.js';
import { freePort } from '../../tools/launcher/ports/ports.js';
import { createTemporalClient } from '../../platform/temporal/client.js';
import { SEARCH_ATTRIBUTES } from '../../platform/temporal/search-attributes.js';
import type { PublishStarted } from '../../workflows/messages.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { temporalPath } from '../support/toolchain.js';
import { until } from '../support/until.js';
import { ffmpeg, publish } from './support.js';

const ENTRY = fileURLToPath(new URL('../../dist/ingest/main.js', import.meta.url));
const MASTER_KEY = randomBytes(32);
const { authorization } = createControlAccess(MASTER_KEY);
const KEY = 'sk_real_stream_key';
const STREAM = 'str_real';
const DRAINED = 'sk_of_another_stream';

let database: TestDatabase;
let db: Knex;
let temporal: TestWorkflowEnvironment;
let child: ChildProcess | null = null;
let exited: Promise<number | null> | null = null;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  database = await createTestDatabase();
  await migrate(database.url);
  db = connectDatabase(database.url);
  temporal = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'existing-path', path: temporalPath() }, searchAttributes: SEARCH_ATTRIBUTES },
  });
  const streams = createStreamRepository(db, createSecretBox(MASTER_KEY));
  for (const [id, streamKey] of [
    [STREAM, KEY],
    ['str_drained', DRAINED],
  ] as const) {
    await streams.create({
      id,
      name: null,
      metadata: {},
      streamKey,
      playbackId: `play_${id}`,
      reusable: false,
      latency: 'low',
      ladder: null,
      record: false,
      reconnectWindowSeconds: 60,
      maxDurationSeconds: 3600,
      playbackPolicy: 'public',
    });
  }
});

afterEach(async () => {
  child?.kill('SIGKILL');
  await exited;
});

afterAll(async () => {
  await temporal.teardown();
  await db.destroy();
  await database.drop();
});

interface Process {
  rtmp: string;
  control: string;
  output(): string;
  exited: Promise<number | null>;
}

async function start(changes: NodeJS.ProcessEnv = {}): Promise<Process> {
  const [rtmpPort, controlPort] = [await freePort(), await freePort()];
  const started = spawn(process.execPath, [ENTRY], {
    env: {
      PATH: process.env.PATH,
      HOLDFAST_RTMP_PORT: String(rtmpPort),
      HOLDFAST_INGEST_CONTROL_PORT: String(controlPort),
      HOLDFAST_DATABASE_URL: database.url,
      HOLDFAST_TEMPORAL_ADDRESS: temporal.address,
      HOLDFAST_MASTER_KEY: MASTER_KEY.toString('hex'),
      ...changes,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child = started;
  let output = '';
  started.stdout.on('data', (data: Buffer) => (output += data.toString()));
  started.stderr.on('data', (data: Buffer) => (output += data.toString()));
  const closed = once(started, 'close').then(([code]) => code as number | null);
  exited = closed;
  return { rtmp: `rtmp://127.0.0.1:${rtmpPort}/live`, control: `http://127.0.0.1:${controlPort}`, output: () => output, exited: closed };
}

const ready = (ingest: Process): Promise<boolean> => until(async () => (await fetch(`${ingest.control}/readyz`)).ok, 'readiness');

async function signalsOf(streamId: string): Promise<string[]> {
  const { events } = await temporal.client.workflow.getHandle(streamWorkflowId(streamId)).fetchHistory();
  return (events ?? []).flatMap((event) => event.workflowExecutionSignaledEventAttributes?.signalName ?? []);
}

const takenPort = async (): Promise<{ port: number; close(): void }> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as { port: number }).port, close: () => void server.close() };
};

describe('the ingest process', () => {
  it('takes a publisher by the key in Postgres, tells its workflow, and says its key nowhere', async () => {
    const ingest = await start();
    await ready(ingest);
    const encoder = publish(`${ingest.rtmp}/${KEY}`, { seconds: 60 });
    const wrong = ffmpeg(['-re', '-f', 'lavfi', '-i', 'testsrc2=size=160x90', '-f', 'flv', `${ingest.rtmp}/sk_wrong_key`]);
    expect(await wrong.exited).not.toBe(0);
    expect(wrong.stderr()).toContain('No stream has this stream key.');
    await until(async () => (await signalsOf(STREAM)).includes('publishStarted'), 'the workflow to be told');

    child?.kill('SIGINT');
    expect(await ingest.exited).toBe(0);
    expect(await encoder.exited).not.toBe(0);
    expect(await signalsOf(STREAM)).toEqual(['publishStarted', 'publishStopped']);
    const description = await temporal.client.workflow.getHandle(streamWorkflowId(STREAM)).describe();
    expect(description.searchAttributes).toMatchObject({ StreamId: [STREAM], StreamStatus: ['idle'] });
    expect(await db('publish_claims')).toEqual([]);
    const history = JSON.stringify(await temporal.client.workflow.getHandle(streamWorkflowId(STREAM)).fetchHistory());
    for (const text of [ingest.output(), history]) {
      expect(text).not.toContain(KEY);
      expect(text).not.toContain('sk_wrong_key');
    }
    for (const line of ingest.output().trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ process: 'ingest' });
  });

  it('told to go (SIGTERM) refuses new broadcasts, keeps the one it has, and goes when that is over', async () => {
    const ingest = await start();
    await ready(ingest);
    const encoder = publish(`${ingest.rtmp}/${DRAINED}`, { seconds: 60 });
    await until(async () => (await signalsOf('str_drained')).includes('publishStarted'), 'the workflow to be told');
    child?.kill('SIGTERM');
    await until(() => ingest.output().includes('draining'), 'the process to drain');
    const late = publish(`${ingest.rtmp}/${KEY}`, { seconds: 20 });
    expect(await late.exited).not.toBe(0);
    expect(late.stderr()).toContain('This media host is going away');
    expect(encoder.child.exitCode).toBeNull();
    encoder.child.kill('SIGINT');
    await encoder.exited;
    expect(await ingest.exited).toBe(0);
    expect(await signalsOf('str_drained')).toEqual(['publishStarted', 'publishStopped']);
  });

  it.each<[string, NodeJS.ProcessEnv, number]>([
    ['told twice', {}, 2],
    ['when the time for it is over', { HOLDFAST_DRAIN_SECONDS: '1' }, 1],
  ])('goes in the middle of a broadcast %s', async (_name, settings, times) => {
    const ingest = await start(settings);
    await ready(ingest);
    const encoder = publish(`${ingest.rtmp}/${DRAINED}`, { seconds: 60 });
    await until(
      async () => (await (await fetch(`${ingest.control}/publishers`, { headers: { authorization } })).text()).includes('str_drained'),
      'the publisher',
    );
    for (let count = 1; count <= times; count += 1) {
      child?.kill('SIGTERM');
      await until(() => ingest.output().includes('draining'), 'the process to drain');
    }
    expect(await ingest.exited).toBe(0);
    expect(await encoder.exited).not.toBe(0);
  });

  it.each(['HOLDFAST_RTMP_PORT', 'HOLDFAST_INGEST_CONTROL_PORT'])('names %s when its port is taken', async (variable) => {
    const taken = await takenPort();
    const ingest = await start({ [variable]: String(taken.port) });
    expect(await ingest.exited).toBe(1);
    expect(ingest.output()).toContain(`Port ${taken.port} is taken; set ${variable} to a free one.`);
    taken.close();
  });

  it('refuses publishers, and lives on, while Postgres is away', async () => {
    const ingest = await start({ HOLDFAST_DATABASE_URL: `postgres://nobody@127.0.0.1:${await freePort()}/none` });
    await until(async () => (await fetch(`${ingest.control}/healthz`)).ok, 'the process to be up');
    expect((await fetch(`${ingest.control}/readyz`)).status).toBe(503);
    const encoder = publish(`${ingest.rtmp}/${KEY}`, { seconds: 60 });
    expect(await encoder.exited).not.toBe(0);
    expect(encoder.stderr()).toContain('cannot check the stream key now');
    expect((await fetch(`${ingest.control}/healthz`)).ok).toBe(true);
    expect(ingest.output()).not.toContain(KEY);
  });
});

describe('signals to a workflow', () => {
  const started: PublishStarted = {
    eventId: 'event_1',
    streamId: 'str_ended',
    publishId: 'pub_1',
    publishSeq: 1,
    hostId: 'local',
    remoteAddress: '192.0.2.1:5000',
    source: { video: null, audio: { codec: 'aac', sampleRate: 48000, channels: 2 } },
  };

  it('say stream_ended when it is over, and nothing when it only has to hear of an end', async () => {
    const client = createTemporalClient({ address: temporal.address, namespace: 'default' });
    const signals = createStreamSignals(client);
    await signals.publishStarted(started);
    await temporal.client.workflow.getHandle(streamWorkflowId('str_ended')).terminate();
    const refusal = await signals.publishStarted(started).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(HoldfastError);
    expect(refusal).toMatchObject({ code: 'stream_ended' });
    await signals.publishStopped('str_ended', { eventId: 'event_2', publishId: 'pub_1', publishSeq: 1, reason: 'closed' });
    await signals.publishStopped('str_never', { eventId: 'event_3', publishId: 'pub_2', publishSeq: 1, reason: 'closed' });
    await client.connection.close();
  });

  it('ask what it believes: null when there is none, and a rejection in short time when no worker answers', async () => {
    const client = createTemporalClient({ address: temporal.address, namespace: 'default' });
    const signals = createStreamSignals(client);
    expect(await signals.belief('str_never_heard_of')).toBeNull();
    await signals.publishStarted({ ...started, streamId: 'str_asked' });
    await expect(signals.belief('str_asked')).rejects.toThrow();

    const workflowsPath = fileURLToPath(new URL('../../dist/workflows/index.js', import.meta.url));
    const worker = await Worker.create({ connection: temporal.nativeConnection, taskQueue: STREAMS_QUEUE, workflowsPath });
    const before = await signalsOf('str_asked');
    const belief = await worker.runUntil(() => until(() => signals.belief('str_asked').catch(() => null), 'an answer'));
    expect(belief).toMatchObject({ status: expect.any(String) });
    expect(await signalsOf('str_asked')).toEqual(before);
    await client.connection.close();
  });
});
