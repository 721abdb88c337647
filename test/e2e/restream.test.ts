import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataPaths } from '../../platform/config/addresses.js';
import type { DestinationError, DestinationStatus } from '../../domain/destination.js';
import { isRunning, type ProcessIdentity } from '../../media/process/process-identity.js';
import type { ApiClient } from '../support/api.js';
import type { Publisher } from '../support/publisher.js';
import { RtmpPlatform, type RtmpPlatformOptions } from '../support/rtmp-platform.js';
import { Stage, type StagedStream } from '../support/stage.js';
import { ffprobePath } from '../support/toolchain.js';
import { until } from '../support/until.js';

interface DestinationView {
  id: string;
  name: string | null;
  url: string;
  status: DestinationStatus;
  attempts: number;
  lastError: DestinationError | null;
  nextAttemptAt: string | null;
  bytesSent: number;
}

let stage: Stage;
let api: ApiClient;
let dir: string;
const platforms: RtmpPlatform[] = [];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'holdfast-restream-'));
  stage = await Stage.open({ settings: { HOLDFAST_ALLOW_PRIVATE_ADDRESSES: '1', HOLDFAST_VIDEO_PRESET: 'ultrafast' } });
  api = stage.api;
});
afterAll(async () => {
  await stage?.close();
  await Promise.all(platforms.map((platform) => platform.stop()));
  rmSync(dir, { recursive: true });
});

const platform = async (name: string, options: Partial<RtmpPlatformOptions> = {}): Promise<RtmpPlatform> => {
  const started = await RtmpPlatform.start({ dir, name, ...options });
  platforms.push(started);
  return started;
};
const publish = (url: string, video = 'testsrc2=size=320x180:rate=30'): Publisher => stage.publish(url, { video });
const sizeOf = (recording: string): string =>
  execFileSync(
    ffprobePath(),
    ['-v', 'error', '-select_streams', 'v:0', '-show_entries', 'stream=width,height', '-of', 'csv=p=0', recording],
    { encoding: 'utf8' },
  ).trim();
const destinationsOf = async (id: string): Promise<DestinationView[]> =>
  (await api.call<{ data: DestinationView[] }>('GET', `/v1/streams/${id}/destinations`)).body.data;
const destination = async (id: string, name: string): Promise<DestinationView> =>
  (await destinationsOf(id)).find((one) => one.name === name)!;
const becomes = (id: string, name: string, status: DestinationStatus) =>
  until(async () => (await destination(id, name))?.status === status && destination(id, name), `${name} to be ${status}`);

const restreamProcesses = (): ProcessIdentity[] => {
  const folder = dataPaths(stage.stack.dataDir).restreams;
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => (JSON.parse(readFileSync(join(folder, name), 'utf8')) as { process: ProcessIdentity }).process);
};

describe('a stream with destinations', () => {
  let stream: StagedStream;
  let one: RtmpPlatform;
  let two: RtmpPlatform;
  let publisher: Publisher;

  it('sends to all of them; one that refuses the key fails with a reason and touches no other', async () => {
    one = await platform('one');
    two = await platform('two');
    const strict = await platform('strict', { refuseKeys: ['wrong'] });
    stream = await api.create({
      destinations: [
        { name: 'one', url: one.url, streamKey: 'key-one' },
        { name: 'two', url: two.url, streamKey: 'key-two' },
        { name: 'strict', url: strict.url, streamKey: 'wrong' },
      ],
    });
    publisher = publish(stream.publishUrl);
    await stage.becomes(stream, 'live');
    await becomes(stream.id, 'one', 'live');
    await becomes(stream.id, 'two', 'live');
    const failed = await becomes(stream.id, 'strict', 'failed');
    expect(failed).toMatchObject({ attempts: 1, nextAttemptAt: null, lastError: { code: 'destination_refused' } });
    expect((await one.receiving()).key).toBe('key-one');
    expect((await two.receiving()).key).toBe('key-two');
    expect(JSON.stringify(await destinationsOf(stream.id))).not.toMatch(/key-one|key-two|wrong/);
    expect(one.published).toHaveLength(1);
    expect(two.published).toHaveLength(1);
  });

  it('takes a destination in, stops it, retries it and lets it go while the others keep their connection', async () => {
    const late = await platform('late');
    const added = await api.call<DestinationView>('POST', `/v1/streams/${stream.id}/destinations`, {
      name: 'late',
      url: late.url,
      streamKey: 'key-late',
    });
    expect(added.status).toBe(201);
    await becomes(stream.id, 'late', 'live');
    const path = `/v1/streams/${stream.id}/destinations/${added.body.id}`;
    await api.call('POST', `${path}/stop`);
    await becomes(stream.id, 'late', 'ended');
    await late.closed(1);
    await api.call('POST', `${path}/retry`);
    await becomes(stream.id, 'late', 'live');
    await late.receiving(2);
    await api.call('DELETE', path);
    await late.closed(2);
    await until(async () => (await destinationsOf(stream.id)).every(({ name }) => name !== 'late'), 'the destination to be gone');
    const ends = async () => (await api.events(stream.id)).filter(({ type, data }) => type === 'restream.ended' && data.name === 'late');
    await until(async () => (await ends()).length === 2, 'both ends in the timeline');
    for (const kept of [one, two]) {
      expect(kept.published).toHaveLength(1);
      expect(kept.published[0]!.closed).toBe(false);
    }
  });

  it('keeps the same senders and connections when the media worker is killed', async () => {
    const before = await until(() => {
      const senders = restreamProcesses();
      return senders.length === 2 ? senders : null;
    }, 'only two senders to be left');
    await stage.kill('media-worker');
    const media = one.published[0]!.media;
    await until(() => one.published[0]!.media > media + 60, 'more media at the platform');
    expect(
      restreamProcesses()
        .map((sender) => sender.pid)
        .sort(),
    ).toEqual(before.map((sender) => sender.pid).sort());
    expect(before.every(isRunning)).toBe(true);
    expect(one.published).toHaveLength(1);
  });

  it('shows a slate on the same connection while the encoder is away, and the programme when it is back', async () => {
    await publisher.stop('SIGKILL');
    await stage.becomes(stream, 'reconnecting');
    const media = one.published[0]!.media;
    await until(() => one.published[0]!.media > media + 90, 'the slate at the platform');
    publisher = publish(stream.publishUrl);
    await stage.becomes(stream, 'live');
    const back = one.published[0]!.media;
    await until(() => one.published[0]!.media > back + 90, 'the programme at the platform');
    for (const kept of [one, two]) {
      expect(kept.published).toHaveLength(1);
      expect(kept.published[0]!).toMatchObject({ closed: false, backwards: 0 });
    }
  });

  it('begins a new connection when the encoder comes back with another picture size, and says why', async () => {
    await publisher.stop('SIGKILL');
    await stage.becomes(stream, 'reconnecting');
    publisher = publish(stream.publishUrl, 'testsrc2=size=256x144:rate=30');
    for (const platform of [one, two]) {
      const old = await platform.closed(1);
      expect(old.commands.map(({ cmd }) => cmd)).toContain('deleteStream');
      await platform.receiving(2, 60);
    }
    await becomes(stream.id, 'one', 'live');
    await becomes(stream.id, 'two', 'live');
    const said = (await api.events(stream.id)).filter(({ type }) => type === 'restream.retrying');
    expect(said.map(({ data }) => data)).toEqual(
      ['one', 'two'].map(() => expect.objectContaining({ lastError: expect.objectContaining({ code: 'restream_source_changed' }) })),
    );
    expect(sizeOf(one.published[1]!.recording)).toEqual('256,144');
  });

  it('ends its restreams first, a frozen one too, and only then the stream', async () => {
    two.freeze();
    await api.end(stream.id);
    await stage.becomes(stream, 'ended');
    const types = (await api.events(stream.id)).map(({ type }) => type);
    const ending = types.slice(types.lastIndexOf('stream.ending'));
    expect(ending).toEqual(['stream.ending', 'restream.ended', 'restream.ended', 'stream.ended']);
    const closed = await one.closed(2);
    expect(closed.commands.map(({ cmd }) => cmd)).toContain('deleteStream');
    expect(restreamProcesses()).toEqual([]);
  });
});
