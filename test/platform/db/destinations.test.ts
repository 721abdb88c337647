import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Catalog, StreamProjection } from '../../../domain/contracts/catalog.js';
import type { DestinationTargets } from '../../../domain/contracts/destinations.js';
import { createCatalog } from '../../../platform/db/repositories/catalog.js';
import { createDestinationTargets } from '../../../platform/db/repositories/destination-targets.js';
import {
  createDestinationRepository,
  type DestinationRepository,
  type NewDestination,
} from '../../../platform/db/repositories/destinations.js';
import { createStreamRepository } from '../../../platform/db/repositories/streams.js';
import type { RestreamState } from '../../../domain/destination.js';
import { createDatabaseBench, type DatabaseBench } from './support.js';

const TIME = '2026-01-02T03:04:05.678Z';
let bench: DatabaseBench;
let destinations: DestinationRepository;
let targets: DestinationTargets;
let catalog: Catalog;
let streamId: string;
let count = 0;
beforeAll(async () => {
  bench = await createDatabaseBench();
  destinations = createDestinationRepository(bench.db, bench.secrets);
  targets = createDestinationTargets(bench.db, bench.secrets);
  catalog = createCatalog(bench.db);
});
beforeEach(async () => {
  count += 1;
  streamId = `str_${count}`;
  await bench.addStream(streamId);
});
afterAll(() => bench.close());

const destinationOf = (number: number, changes: Partial<NewDestination> = {}): NewDestination => ({
  id: `dst_${streamId}_${number}`,
  streamId,
  name: null,
  platform: null,
  url: 'rtmp://a.test/app',
  streamKey: 'dest-key',
  enabled: true,
  rendition: 'source',
  slate: true,
  ...changes,
});

const add = async (number: number, changes: Partial<NewDestination> = {}): Promise<string> => {
  const destination = destinationOf(number, changes);
  await destinations.create([destination]);
  return destination.id;
};

const find = (id: string) => destinations.find(streamId, id);

const state = (destinationId: string, changes: Partial<RestreamState> = {}): RestreamState => ({
  destinationId,
  status: 'live',
  attempts: 1,
  lastError: null,
  nextAttemptAt: null,
  startedAt: TIME,
  ...changes,
});

const record = (version: number, restreams: RestreamState[], changes: Partial<StreamProjection> = {}) =>
  catalog.record({ streamId, version, status: 'live', disabled: false, broadcastId: 'brd_1', restreams, events: [], ...changes });

describe('destinations', () => {
  it('keep URL and key encrypted, and belong to their stream alone', async () => {
    const id = await add(1, { name: 'You', rendition: 720, slate: false });
    expect(await find(id)).toMatchObject({
      ...destinationOf(1),
      name: 'You',
      rendition: 720,
      slate: false,
      status: 'idle',
      attempts: 0,
      lastError: null,
      nextAttemptAt: null,
      startedAt: null,
      bytesSent: 0,
    });
    expect(await destinations.find('str_other', id)).toBeNull();
    const row = JSON.stringify(await bench.db('destinations').where({ id }));
    expect(row).not.toContain('a.test');
    expect(row).not.toContain('dest-key');
    expect(await destinations.remove('str_other', id)).toBe(false);
    expect(await destinations.remove(streamId, id)).toBe(true);
    expect(await destinations.remove(streamId, id)).toBe(false);
  });

  it('are made once per id', async () => {
    const id = await add(1, { name: 'first' });
    await add(1, { name: 'second' });
    expect(await find(id)).toMatchObject({ name: 'first' });
  });

  it('are listed in the order they were added in, each once over all pages', async () => {
    await destinations.create([1, 2, 3].map((number) => destinationOf(number)));
    const seen: string[] = [];
    let after = null;
    for (let more = true; more;) {
      const page = await destinations.listOf(streamId, { after, limit: 1 });
      seen.push(...page.items.map(({ id }) => id));
      after = page.items.at(-1)!;
      more = page.more;
    }
    expect(seen).toEqual([1, 2, 3].map((number) => `dst_${streamId}_${number}`));
  });

  it('come with their stream or not at all', async () => {
    const streams = createStreamRepository(bench.db, bench.secrets);
    const stream = { ...(await streams.find(streamId))!, id: `${streamId}_new`, streamKey: 'sk_new', playbackId: `${streamId}_new` };
    const unwritable = destinationOf(1, { streamId: stream.id, name: 'NUL \0' });
    await expect(streams.create(stream, [unwritable])).rejects.toThrow();
    expect(await streams.find(stream.id)).toBeNull();
    await streams.create(stream, [destinationOf(2, { streamId: stream.id })]);
    await streams.create(stream, [destinationOf(3, { streamId: stream.id })]);
    const { items } = await destinations.listOf(stream.id, { after: null, limit: 10 });
    expect(items.map(({ id }) => id)).toEqual([`dst_${streamId}_2`]);
  });

  it('go with their stream', async () => {
    const id = await add(1);
    await catalog.purgeStream(streamId);
    expect(await find(id)).toBeNull();
    expect(await targets.resolve(id)).toBeNull();
  });
});

describe('changing a destination', () => {
  const revision = async () => (await catalog.destinationsOf(streamId))[0]!.revision;

  it('gives it a new revision only when what is sent, or where to, changes', async () => {
    const id = await add(1);
    const change = (changes: Partial<NewDestination>) => destinations.update(streamId, id, (stored) => ({ ...stored, ...changes }));
    const first = await revision();
    expect(await change({ name: 'renamed', enabled: false, streamKey: 'dest-key' })).toMatchObject({ name: 'renamed', enabled: false });
    expect(await revision()).toBe(first);
    const seen = [first];
    for (const changes of [{ url: 'rtmp://b.test/app' }, { streamKey: null }, { rendition: 360 }, { slate: false }]) {
      expect(await change(changes)).toMatchObject(changes);
      seen.push(await revision());
    }
    expect(new Set(seen).size).toBe(5);
  });

  it('changes nothing when the change is refused, or there is no such destination', async () => {
    const id = await add(1);
    const refuse = () => {
      throw new Error('refused');
    };
    await expect(destinations.update(streamId, id, refuse)).rejects.toThrow('refused');
    expect(await find(id)).toMatchObject(destinationOf(1));
    expect(await destinations.update('str_other', id, refuse)).toBeNull();
  });

  it('loses none of several changes made at once', async () => {
    const id = await add(1);
    const changes = [{ name: 'n' }, { enabled: false }, { slate: false }, { rendition: 480 }, { streamKey: 'other' }];
    await Promise.all(changes.map((change) => destinations.update(streamId, id, (stored) => ({ ...stored, ...change }))));
    expect(await find(id)).toMatchObject(Object.assign({}, ...changes));
  });
});

describe('what the workflow sees of destinations', () => {
  it('is what it needs, oldest first, and neither URL nor key', async () => {
    await add(1, { name: 'Mine' });
    await add(2, { platform: 'youtube', enabled: false });
    await add(3);
    const summaries = await catalog.destinationsOf(streamId);
    expect(summaries.map(({ label, enabled }) => [label, enabled])).toEqual([
      ['Mine', true],
      ['YouTube', false],
      ['Destination', true],
    ]);
    expect(JSON.stringify(summaries)).not.toMatch(/a\.test|dest-key/);
    expect(await catalog.destinationsOf('str_none')).toEqual([]);
  });
});

describe('what the media worker sees of destinations', () => {
  it('is the secrets in clear, and its reports are shown', async () => {
    const id = await add(1, { rendition: 720, slate: false });
    const { url, streamKey } = destinationOf(1);
    expect(await targets.resolve(id)).toEqual({ destinationId: id, streamId, url, streamKey, rendition: 720, slate: false });
    await targets.reportProgress(id, 2 ** 40);
    expect(await find(id)).toMatchObject({ bytesSent: 2 ** 40 });
    expect(await targets.resolve('dst_none')).toBeNull();
    await targets.reportProgress('dst_none', 1);
  });
});

describe('the state of a restream', () => {
  const failure = { code: 'destination_lost' as const, message: 'The platform closed the connection.' };

  it('is shown as it was last written, whatever order writes arrive in', async () => {
    const id = await add(1);
    const retrying = state(id, { status: 'retrying', attempts: 2, lastError: failure, nextAttemptAt: TIME });
    await record(5, [retrying]);
    await record(4, [state(id)]);
    expect(await find(id)).toMatchObject({
      status: 'retrying',
      attempts: 2,
      lastError: failure,
      nextAttemptAt: new Date(TIME),
      startedAt: new Date(TIME),
    });
    await record(6, [state(id, { attempts: 3 })]);
    expect(await find(id)).toMatchObject({ status: 'live', attempts: 3, lastError: null, nextAttemptAt: null });
  });

  it('of one destination changes no other one, nor one of another stream', async () => {
    const [one, two] = [await add(1), await add(2)];
    await record(1, [state(one), state(two)]);
    await record(3, [state(one, { status: 'ended' })]);
    await record(2, [state(two, { status: 'failed', lastError: failure })]);
    expect(await find(one)).toMatchObject({ status: 'ended' });
    expect(await find(two)).toMatchObject({ status: 'failed', lastError: failure });
    await bench.addStream('str_stranger');
    await record(9, [state(one, { status: 'retrying' })], { streamId: 'str_stranger' });
    expect(await find(one)).toMatchObject({ status: 'ended' });
  });

  it('counts bytes from zero with each connection, and keeps them when it ends', async () => {
    const id = await add(1);
    await record(1, [state(id)]);
    await targets.reportProgress(id, 1000);
    await record(2, [state(id, { status: 'ended' })]);
    expect(await find(id)).toMatchObject({ bytesSent: 1000 });
    await record(3, [state(id, { status: 'ended' })], { broadcastId: null });
    expect(await find(id)).toMatchObject({ bytesSent: 1000 });
    await record(4, [state(id, { status: 'starting', startedAt: null })], { broadcastId: 'brd_2' });
    expect(await find(id)).toMatchObject({ status: 'starting', bytesSent: 0, startedAt: null });
    await targets.reportProgress(id, 7);
    await record(5, [state(id, { attempts: 2 })], { broadcastId: 'brd_2' });
    expect(await find(id)).toMatchObject({ bytesSent: 0 });
  });

  it('of a destination that was removed is no error', async () => {
    const id = await add(1);
    await destinations.remove(streamId, id);
    await record(1, [state(id)]);
    expect(await find(id)).toBeNull();
  });
});
