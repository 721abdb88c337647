import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BroadcastProjection, Catalog, StreamProjection } from '../../../domain/contracts/catalog.js';
import { createBroadcastRepository } from '../../../platform/db/repositories/broadcasts.js';
import { createCatalog } from '../../../platform/db/repositories/catalog.js';
import { createHostRepository } from '../../../platform/db/repositories/hosts.js';
import { createRecordingRepository } from '../../../platform/db/repositories/recordings.js';
import { createDatabaseBench, type DatabaseBench } from './support.js';

const TIME = '2026-01-02T03:04:05.678Z';
const [streamId, broadcastId, recordingId] = ['str_1', 'brd_1', 'rec_1'];
let bench: DatabaseBench;
let catalog: Catalog;
beforeAll(async () => {
  bench = await createDatabaseBench();
  catalog = createCatalog(bench.db);
  await bench.addStream(streamId);
  await catalog.openBroadcast({ broadcastId, streamId, hostId: 'a', startedAt: TIME });
});
afterAll(() => bench.close());

const record = (version: number, broadcast: Partial<BroadcastProjection>, more: Partial<StreamProjection> = {}) =>
  catalog.record({
    streamId,
    version,
    status: 'live',
    disabled: false,
    broadcastId,
    events: [],
    broadcast: {
      broadcastId,
      status: 'live',
      source: null,
      renditions: [],
      liveAt: TIME,
      endedAt: null,
      endCause: null,
      durationSeconds: null,
      bytes: null,
      ...broadcast,
    },
    ...more,
  });
const recording = async () => (await createRecordingRepository(bench.db).find(recordingId))!;
const parts = async () => {
  const all = await createRecordingRepository(bench.db).partsOf(await recording());
  return all.map(({ hostId, durationSeconds, bytes }) => [hostId, durationSeconds, bytes]);
};
const ended = { status: 'ended', endedAt: TIME, hostId: 'b' } as const;

it('a broadcast that stays on its host has one part', async () => {
  await record(1, {}, { recording: { recordingId, broadcastId, status: 'recording', durationSeconds: null, bytes: null } });
  expect(await parts()).toEqual([['a', null, null]]);
});

it('one that changes its host has a part on each, in that order, and counts on the present one', async () => {
  await record(2, { hostId: 'b' });
  await record(3, { hostId: 'b' });
  expect(await parts()).toEqual([
    ['a', null, null],
    ['b', null, null],
  ]);
  expect(await catalog.broadcastsOf(streamId)).toEqual([
    { broadcastId, hostId: 'a' },
    { broadcastId, hostId: 'b' },
  ]);
  const hosts = createHostRepository(bench.db);
  expect([(await hosts.find('a')).openStreams, (await hosts.find('b')).openStreams]).toEqual([0, 1]);
});

it('an older write does not take it back', async () => {
  await record(1, { hostId: 'a' });
  expect((await createHostRepository(bench.db).find('b')).openStreams).toBe(1);
});

it('a part is not taken before the end is written; with it everything is measured together', async () => {
  await expect(catalog.recordPart({ broadcastId, hostId: 'a', durationSeconds: 5, bytes: 500 })).rejects.toThrow(/not written/);
  await record(
    4,
    { ...ended, durationSeconds: 10, bytes: 1000 },
    { recording: { recordingId, broadcastId, status: 'ready', durationSeconds: 10, bytes: 1000 } },
  );
  expect(await recording()).toMatchObject({ durationSeconds: 10, bytes: 1000 });
  await catalog.recordPart({ broadcastId, hostId: 'a', durationSeconds: 5, bytes: 500 });
  await catalog.recordPart({ broadcastId, hostId: 'a', durationSeconds: 5, bytes: 500 });
  expect(await parts()).toEqual([
    ['a', 5, 500],
    ['b', 10, 1000],
  ]);
  expect(await recording()).toMatchObject({ status: 'ready', durationSeconds: 15, bytes: 1500 });
  expect(await createBroadcastRepository(bench.db).find(broadcastId)).toMatchObject({ durationSeconds: 15, bytes: 1500 });
});

it('a recording whose only host was away at the end is ready when that host is back', async () => {
  const last = { recordingId: 'rec_2', broadcastId: 'brd_2', durationSeconds: null, bytes: null };
  await catalog.openBroadcast({ broadcastId: 'brd_2', streamId, hostId: 'a', startedAt: TIME });
  await record(5, { broadcastId: 'brd_2', status: 'ended', endedAt: TIME }, { recording: { ...last, status: 'processing' } });
  await catalog.recordPart({ broadcastId: 'brd_2', hostId: 'a', durationSeconds: 3, bytes: 300 });
  expect(await createRecordingRepository(bench.db).find('rec_2')).toMatchObject({ status: 'ready', durationSeconds: 3, bytes: 300 });
});

it("a part of a stream that was deleted meanwhile is nobody's", async () => {
  await catalog.recordPart({ broadcastId: 'brd_gone', hostId: 'a', durationSeconds: 1, bytes: 1 });
});

it('viewers are led to the host of the newest broadcast, where it has said that they find it', async () => {
  const hosts = createHostRepository(bench.db);
  expect(await hosts.playbackOfStreams([streamId])).toEqual(new Map());
  await hosts.announce('a', 'http://old.test');
  await hosts.announce('a', 'http://a.test');
  await catalog.openBroadcast({ broadcastId: 'brd_3', streamId, hostId: 'a', startedAt: '2026-01-03T00:00:00.000Z' });
  expect(await hosts.playbackOfStreams([streamId, 'str_unknown'])).toEqual(
    new Map([[streamId, { hostId: 'a', playback: 'http://a.test' }]]),
  );
  expect(await hosts.playbackOf(['a', 'b'])).toEqual(new Map([['a', 'http://a.test']]));
});
