import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BroadcastProjection, Catalog, StreamProjection } from '../../../domain/contracts/catalog.js';
import type { StreamEvent } from '../../../domain/event.js';
import { createBroadcastRepository } from '../../../platform/db/repositories/broadcasts.js';
import { createCatalog } from '../../../platform/db/repositories/catalog.js';
import { createEventRepository } from '../../../platform/db/repositories/events.js';
import { createRecordingRepository } from '../../../platform/db/repositories/recordings.js';
import { createStreamRepository } from '../../../platform/db/repositories/streams.js';
import { createDatabaseBench, type DatabaseBench } from './support.js';

const TIME = '2026-01-02T03:04:05.678Z';
let bench: DatabaseBench;
let catalog: Catalog;
let streamId: string;
let count = 0;
beforeAll(async () => {
  bench = await createDatabaseBench();
  catalog = createCatalog(bench.db);
});
beforeEach(async () => {
  count += 1;
  streamId = `str_${count}`;
  await bench.addStream(streamId);
});
afterAll(() => bench.close());

const event = (sequence: number, changes: Partial<StreamEvent> = {}): StreamEvent => ({
  id: `evt_${streamId}_${sequence}`,
  sequence,
  type: 'stream.health',
  streamId,
  broadcastId: null,
  occurredAt: TIME,
  data: { list: [1, 'two'] },
  ...changes,
});

const broadcastOf = (number: number, changes: Partial<BroadcastProjection> = {}): BroadcastProjection => ({
  broadcastId: `brd_${streamId}_${number}`,
  status: 'live',
  source: null,
  renditions: [],
  liveAt: TIME,
  endedAt: null,
  endCause: null,
  durationSeconds: null,
  bytes: null,
  ...changes,
});

const projection = (version: number, changes: Partial<StreamProjection> = {}): StreamProjection => ({
  streamId,
  version,
  status: 'live',
  disabled: false,
  broadcastId: null,
  events: [],
  ...changes,
});

const open = (number: number) =>
  catalog.openBroadcast({ broadcastId: `brd_${streamId}_${number}`, streamId, hostId: 'local', startedAt: TIME });

const statusNow = async () => (await createStreamRepository(bench.db, bench.secrets).find(streamId))?.status;

describe('opening a broadcast', () => {
  it('returns the settings as they are now, and inserts it once', async () => {
    expect(await open(1)).toMatchObject({ playbackId: `play_${streamId}`, reusable: true, ladder: [{ height: 360, bitrate: 800_000 }] });
    await createStreamRepository(bench.db, bench.secrets).update(streamId, { ladder: null });
    expect(await open(1)).toMatchObject({ ladder: null });
    expect(await catalog.broadcastsOf(streamId)).toEqual([{ broadcastId: `brd_${streamId}_1`, hostId: 'local' }]);
  });

  it('of an unknown stream is refused with that reason', async () => {
    const unknown = { broadcastId: 'b', streamId: 'str_unknown', hostId: 'local', startedAt: TIME };
    await expect(catalog.openBroadcast(unknown)).rejects.toMatchObject({ code: 'stream_not_found' });
    await expect(catalog.settings('str_unknown')).rejects.toMatchObject({ code: 'stream_not_found' });
  });
});

describe('recording state', () => {
  it('never lets an older write win over a newer one', async () => {
    await catalog.record(projection(5, { status: 'ending' }));
    await catalog.record(projection(4, { status: 'live' }));
    expect(await statusNow()).toBe('ending');
    await catalog.record(projection(6, { status: 'idle' }));
    expect(await statusNow()).toBe('idle');
  });

  it('ends in the newest state, in whatever order concurrent writes arrive', async () => {
    const versions = Array.from({ length: 10 }, (_, index) => index + 1);
    await Promise.all(
      versions.map((version) =>
        catalog.record(projection(version, { status: version === 10 ? 'ended' : 'live', events: [event(version)] })),
      ),
    );
    expect(await statusNow()).toBe('ended');
    const { items } = await createEventRepository(bench.db).listOf(streamId, 0, 20);
    expect(items.map(({ sequence }) => sequence)).toEqual(versions);
  });

  it('of one broadcast that comes late is kept, though the next one has begun', async () => {
    await open(1);
    await open(2);
    await catalog.record(projection(9, { broadcast: broadcastOf(2) }));
    await catalog.record(projection(8, { broadcast: broadcastOf(1, { status: 'ended', endedAt: TIME, endCause: 'api', bytes: 2 ** 40 }) }));
    const broadcasts = createBroadcastRepository(bench.db);
    expect(await broadcasts.find(`brd_${streamId}_1`)).toMatchObject({ status: 'ended', endCause: 'api', bytes: 2 ** 40 });
    expect(await broadcasts.find(`brd_${streamId}_2`)).toMatchObject({ status: 'live' });
    await catalog.record(projection(7, { broadcast: broadcastOf(1) }));
    expect(await broadcasts.find(`brd_${streamId}_1`)).toMatchObject({ status: 'ended' });
  });

  it('of a broadcast whose row was lost does not fail, and brings it back where its beginning is known', async () => {
    const broadcastId = `brd_${streamId}_1`;
    const recording = { recordingId: `rec_${streamId}`, broadcastId, status: 'recording' as const, durationSeconds: null, bytes: null };
    const live = projection(2, { broadcast: broadcastOf(1), recording, events: [event(1)] });
    await catalog.record(live);
    expect(await createBroadcastRepository(bench.db).find(broadcastId)).toBeNull();
    expect(await statusNow()).toBe('live');
    const opened = { broadcastId, streamId, hostId: 'elsewhere', startedAt: TIME };
    await catalog.record({ ...live, opened });
    await catalog.record({ ...live, opened: { ...opened, hostId: 'another' } });
    expect(await catalog.broadcastsOf(streamId)).toEqual([{ broadcastId, hostId: 'elsewhere' }]);
    expect(await createBroadcastRepository(bench.db).find(broadcastId)).toMatchObject({ status: 'live', startedAt: new Date(TIME) });
    expect(await createRecordingRepository(bench.db).find(recording.recordingId)).toMatchObject({ status: 'recording' });
  });

  it('of a recording follows the same rule', async () => {
    await open(1);
    const broadcastId = `brd_${streamId}_1`;
    const recording = { recordingId: `rec_${streamId}`, broadcastId, durationSeconds: null, bytes: null };
    await catalog.record(projection(2, { recording: { ...recording, status: 'recording' } }));
    await catalog.record(projection(4, { recording: { ...recording, status: 'ready', durationSeconds: 1.5, bytes: 7 } }));
    await catalog.record(projection(3, { recording: { ...recording, status: 'processing' } }));
    const stored = await createRecordingRepository(bench.db).find(recording.recordingId);
    expect(stored).toMatchObject({ status: 'ready', durationSeconds: 1.5, bytes: 7, broadcastId });
  });
});

describe('events', () => {
  it('are kept as they happened, and once, whatever is repeated', async () => {
    const first = event(1, { type: 'stream.ended', cause: 'api', broadcastId: 'brd_1' });
    await catalog.record(projection(1, { events: [first] }));
    await catalog.record(projection(1, { events: [first, event(2)] }));
    await catalog.record(projection(0, { events: [event(2), event(3)] }));
    const { items, more } = await createEventRepository(bench.db).listOf(streamId, 0, 10);
    expect(items).toEqual([first, event(2), event(3)]);
    expect(more).toBe(false);
  });

  it('are written with the state or not at all', async () => {
    const broken = projection(2, { status: 'ended', events: [event(1, { data: { refused: 'NUL \0' } })] });
    await expect(catalog.record(broken)).rejects.toThrow();
    expect(await statusNow()).toBe('idle');
  });
});

describe('purging a stream', () => {
  it('removes everything of it; later writes do nothing and do not fail', async () => {
    await open(1);
    await catalog.record(projection(1, { events: [event(1)] }));
    await catalog.purgeStream(streamId);
    await catalog.purgeStream(streamId);
    await catalog.record(projection(2, { broadcast: broadcastOf(1), events: [event(2)] }));
    await catalog.markMediaDeleted(`brd_${streamId}_1`);
    expect(await catalog.broadcastsOf(streamId)).toEqual([]);
    for (const table of ['broadcasts', 'events', 'recordings', 'publish_claims']) {
      expect(await bench.db(table).where({ stream_id: streamId }), table).toEqual([]);
    }
  });
});
