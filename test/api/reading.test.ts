import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCatalog } from '../../platform/db/repositories/catalog.js';
import { until } from '../support/until.js';
import { ADDRESSES, createApiBench, type ApiBench } from './support.js';

let bench: ApiBench;
let streamId: string;
let playbackId: string;
const STARTED = '2026-01-02T03:04:05.678Z';
const LATER = '2026-01-02T04:04:05.678Z';

beforeAll(async () => {
  bench = await createApiBench();
  const stream = await bench.createStream({ reusable: true });
  streamId = stream.id;
  playbackId = stream.playback.id;
  await until(async () => (await bench.db('events').where({ stream_id: streamId })).length === 1, 'the first event');
  const catalog = createCatalog(bench.db);
  const broadcast = {
    source: { video: { codec: 'h264' as const, width: 1280, height: 720, frameRate: 30 }, audio: null },
    renditions: [{ id: '360p', kind: 'video' as const, width: 640, height: 360, frameRate: 30, bitrate: 800_000 }],
    status: 'ended' as const,
    liveAt: STARTED,
    endedAt: LATER,
    endCause: 'api' as const,
    durationSeconds: 12.5,
    bytes: 9_876_543_210,
  };
  for (const [index, startedAt] of [STARTED, LATER].entries()) {
    const broadcastId = `brd_${index + 1}`;
    await catalog.openBroadcast({ broadcastId, streamId, hostId: 'local', startedAt });
    await catalog.record({
      streamId,
      version: index + 2,
      status: 'idle',
      disabled: false,
      broadcastId: null,
      broadcast: { ...broadcast, broadcastId },
      recording: { recordingId: `rec_${index + 1}`, broadcastId, status: 'ready', durationSeconds: 12.5, bytes: 9_876_543_210 },
      events: [],
    });
  }
});
afterAll(() => bench.close());

describe('a broadcast', () => {
  it('is read with what arrived, what was published and why it ended', async () => {
    const { status, body } = await bench.call('GET', '/v1/broadcasts/brd_1');
    expect(status).toBe(200);
    expect(body).toEqual({
      id: 'brd_1',
      streamId,
      status: 'ended',
      source: { video: { codec: 'h264', width: 1280, height: 720, frameRate: 30 }, audio: null },
      renditions: [{ id: '360p', kind: 'video', width: 640, height: 360, frameRate: 30, bitrate: 800_000 }],
      startedAt: STARTED,
      liveAt: STARTED,
      endedAt: LATER,
      endCause: 'api',
      durationSeconds: 12.5,
      bytes: 9_876_543_210,
      mediaDeletedAt: null,
    });
  });

  it('is listed with the others of its stream, newest first, page by page', async () => {
    const first = await bench.call('GET', `/v1/streams/${streamId}/broadcasts?limit=1`);
    expect(first.body.data.map((broadcast: { id: string }) => broadcast.id)).toEqual(['brd_2']);
    const second = await bench.call('GET', `/v1/streams/${streamId}/broadcasts?limit=1&cursor=${first.body.nextCursor}`);
    expect(second.body).toMatchObject({ data: [{ id: 'brd_1' }], nextCursor: null });
  });

  it('is not shown to a token for another stream', async () => {
    const authorization = await bench.bearer({ streamId: `str_${'0'.repeat(26)}` });
    expect((await bench.call('GET', '/v1/broadcasts/brd_1', { authorization })).body.code).toBe('broadcast_not_found');
    expect((await bench.call('GET', '/v1/recordings/rec_1', { authorization })).body.code).toBe('recording_not_found');
  });
});

describe('a recording', () => {
  it('has an address only where the playback address shows its broadcast', async () => {
    const [older, newest] = await Promise.all(['rec_1', 'rec_2'].map((id) => bench.call('GET', `/v1/recordings/${id}`)));
    expect(newest!.body).toMatchObject({
      id: 'rec_2',
      streamId,
      broadcastId: 'brd_2',
      status: 'ready',
      hls: `${ADDRESSES.playback}/${playbackId}/index.m3u8`,
      durationSeconds: 12.5,
      bytes: 9_876_543_210,
    });
    expect(older!.body.hls).toBeNull();
  });

  it('has no address any more once the segments are gone', async () => {
    await createCatalog(bench.db).markMediaDeleted('brd_2');
    expect((await bench.call('GET', '/v1/recordings/rec_2')).body.hls).toBeNull();
    const listed = await bench.call('GET', `/v1/streams/${streamId}/recordings`);
    expect(listed.body.data.map((recording: { id: string }) => recording.id)).toEqual(['rec_2', 'rec_1']);
  });
});
