import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ApiClient } from '../support/api.js';
import type { Publisher } from '../support/publisher.js';
import { Stage, type StagedStream } from '../support/stage.js';
import { until } from '../support/until.js';

const SMALL = { video: 'testsrc2=size=256x144:rate=25' };

let stage: Stage;
let api: ApiClient;
let running: StagedStream;
let other: StagedStream;
let publisher: Publisher;

beforeAll(async () => {
  const settings = { HOLDFAST_MAX_BROADCASTS: '1', HOLDFAST_VIDEO_PRESET: 'ultrafast', HOLDFAST_MAX_SOURCE_FPS: '50' };
  stage = await Stage.open({ settings });
  api = stage.api;
  other = await api.create({ name: 'other' });
  ({ stream: running, publisher } = await stage.live({ name: 'running' }, SMALL));
});
afterAll(() => stage?.close());

async function refused(stream: StagedStream, options = SMALL): Promise<string> {
  const late = stage.publish(stream.publishUrl, options);
  expect(await late.exited()).not.toBe(0);
  return late.stderr;
}

const healthCodes = async (id: string): Promise<unknown[]> =>
  (await api.events(id)).filter(({ type }) => type === 'stream.health').map(({ data }) => data.code);

const metric = async (process: string, name: string): Promise<string> => {
  const { metrics } = await stage.stack.run();
  const texts = await Promise.all(metrics.map(async (url) => (await fetch(url)).text()));
  return (
    texts
      .find((text) => text.includes(`process="${process}"`))
      ?.split('\n')
      .find((line) => line.startsWith(name)) ?? ''
  );
};

it('a host that is full says so to the encoder and in the timeline, and the broadcast on it goes on', async () => {
  expect(await refused(other)).toContain('This media host is full');
  await until(async () => (await healthCodes(other.id)).includes('host_full'), 'the event');
  expect((await api.stream(other.id)).status).toBe('idle');
  expect((await api.stream(running.id)).status).toBe('live');
});

it('every process shows its memory, and the media host its free disk', async () => {
  for (const name of ['api', 'stream-worker', 'media-worker', 'ingest', 'origin']) {
    expect(await metric(name, 'process_resident_memory_bytes')).toMatch(/ \d+/);
  }
  for (const name of ['ingest', 'origin']) {
    expect(await metric(name, 'holdfast_disk_free_bytes')).toMatch(/ \d{6,}/);
    expect(await metric(name, 'holdfast_disk_full')).toMatch(/ 0$/);
  }
});

it('SIGTERM lets a media host finish: the encoder may come back, new ones are refused, and both processes go at the end', async () => {
  const before = (await stage.stack.run()).processes;
  for (const name of ['ingest', 'media-worker']) process.kill(before[name]!, 'SIGTERM');
  await until(async () => (await metric('ingest', 'holdfast_ingest_draining')).endsWith(' 1'), 'draining');

  await publisher.stop('SIGKILL');
  await stage.becomes(running, 'reconnecting');
  expect(await refused(other)).toContain('This media host is going away');
  const { broadcastId } = await api.stream(running.id);
  publisher = stage.publish(running.publishUrl, SMALL);
  await stage.becomes(running, 'live');
  expect((await api.stream(running.id)).broadcastId).toBe(broadcastId);
  expect((await stage.encoders())[0]).toMatchObject({ broadcastId, epoch: 2 });
  const { processes } = await stage.stack.run();
  expect([processes.ingest, processes['media-worker']]).toEqual([before.ingest, before['media-worker']]);

  await api.end(running.id);
  await stage.becomes(running, 'ended');
  await until(async () => {
    const now = (await stage.stack.run()).processes;
    return ['ingest', 'media-worker'].every((name) => now[name] !== undefined && now[name] !== before[name]);
  }, 'the supervisor to have started both anew');
  expect(await stage.encoders()).toEqual([]);
});

it('an encoder that sends more than is taken hears what, and so does its stream', async () => {
  await until(async () => (await metric('ingest', 'holdfast_ingest_draining')).endsWith(' 0'), 'the new ingest');
  expect(await refused(other, { video: 'testsrc2=size=256x144:rate=60' })).toContain('60 frames per second; the most are 50');
  await until(async () => (await healthCodes(other.id)).includes('publish_over_limit'), 'the event');
});
