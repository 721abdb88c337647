import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/until.js';
import { ADDRESSES, createApiBench, type ApiBench } from './support.js';

let bench: ApiBench;
beforeAll(async () => {
  bench = await createApiBench();
});
afterAll(() => bench.close());

const eventTypes = async (id: string): Promise<string[]> => {
  const { body } = await bench.call('GET', `/v1/streams/${id}/events`);
  return body.data.map((event: { type: string }) => event.type);
};

describe('a created stream', () => {
  it('has what an encoder and a viewer need, defaults, and a workflow that runs', async () => {
    const created = await bench.call('POST', '/v1/streams', { body: { name: 'Morning show', metadata: { team: 'a' } } });
    expect(created.status).toBe(201);
    const { body } = created;
    expect(created.headers.get('location')).toBe(`/v1/streams/${body.id}`);
    expect(body).toMatchObject({
      id: expect.stringMatching(/^str_[0-9a-z]{26}$/),
      name: 'Morning show',
      status: 'idle',
      disabled: false,
      reusable: false,
      latency: 'low',
      ladder: null,
      passthrough: 'never',
      record: false,
      reconnectWindowSeconds: 60,
      maxDurationSeconds: 43_200,
      playbackPolicy: 'public',
      metadata: { team: 'a' },
      streamKey: expect.stringMatching(/^sk_[a-z0-9]{32}$/),
      ingest: { rtmp: ADDRESSES.rtmp },
      broadcastId: null,
    });
    const { id: playbackId } = body.playback;
    expect(body.playback).toEqual({
      id: expect.stringMatching(/^[a-z0-9]{24}$/),
      hls: `${ADDRESSES.playback}/${playbackId}/index.m3u8`,
      player: `${ADDRESSES.playback}/${playbackId}/player`,
    });
    const read = await bench.call('GET', `/v1/streams/${body.id}`);
    const { destinations, ...shown } = body;
    expect(destinations).toEqual([]);
    expect(read.body).toEqual({ ...shown, statusSource: 'workflow', updatedAt: expect.any(String) });
    await until(async () => (await eventTypes(body.id)).includes('stream.created'), 'the first event');
  });

  it('can be changed field by field, and what is not sent stays', async () => {
    const { id, streamKey, destinations, ...before } = await bench.createStream({ name: 'a', ladder: [{ height: 360, bitrate: 800_000 }] });
    const patched = await bench.call('PATCH', `/v1/streams/${id}`, { body: { name: null, record: true, metadata: { k: 'v' } } });
    expect(patched.status).toBe(200);
    expect(patched.body).toMatchObject({ ...before, name: null, record: true, metadata: { k: 'v' }, updatedAt: expect.any(String) });
    const again = await bench.call('PATCH', `/v1/streams/${id}`, { body: { ladder: null } });
    expect(again.body).toMatchObject({ name: null, record: true, ladder: null });
    expect([typeof streamKey, destinations]).toEqual(['string', []]);
  });

  it('gets a new key, and the old one no longer finds it', async () => {
    const { id, streamKey } = await bench.createStream();
    const rotated = await bench.call('POST', `/v1/streams/${id}/rotate-key`);
    expect(rotated.status).toBe(200);
    expect(rotated.body.streamKey).not.toBe(streamKey);
    const holders = await bench.db('streams').whereIn('stream_key_hash', [streamKey, rotated.body.streamKey].map(bench.secrets.lookupHash));
    expect(holders.map((row) => row.stream_key_hash)).toEqual([bench.secrets.lookupHash(rotated.body.streamKey)]);
    expect((await bench.call('GET', `/v1/streams/${id}`)).body.streamKey).toBe(rotated.body.streamKey);
  });
});

describe('commands', () => {
  it('end a stream once: 202 first, 200 with the same stream afterwards, with an ended timeline', async () => {
    const { id } = await bench.createStream();
    const first = await bench.call('POST', `/v1/streams/${id}/end`);
    expect([first.status, first.body.status]).toEqual([202, 'ended']);
    await until(async () => (await bench.call('GET', `/v1/streams/${id}`)).body.status === 'ended', 'the projection');
    const second = await bench.call('POST', `/v1/streams/${id}/end`);
    expect([second.status, second.body.status, second.body.id]).toEqual([200, 'ended', id]);
    expect(await eventTypes(id)).toEqual(['stream.created', 'stream.ended']);
  });

  it('leave a reusable stream that is idle as it is', async () => {
    const { id } = await bench.createStream({ reusable: true });
    const reply = await bench.call('POST', `/v1/streams/${id}/end`);
    expect([reply.status, reply.body.status]).toEqual([200, 'idle']);
  });

  it('disable and enable a stream, visibly in lists too', async () => {
    const { id } = await bench.createStream({ reusable: true });
    const disabled = await bench.call('POST', `/v1/streams/${id}/disable`);
    expect([disabled.status, disabled.body.disabled]).toEqual([200, true]);
    await until(async () => (await bench.db('streams').where({ id }).first()).disabled === true, 'the projection');
    const enabled = await bench.call('POST', `/v1/streams/${id}/enable`);
    expect([enabled.status, enabled.body.disabled]).toEqual([200, false]);
    await until(async () => (await bench.db('streams').where({ id }).first()).disabled === false, 'the projection');
  });

  it('cannot disable what has ended', async () => {
    const { id } = await bench.createStream();
    await bench.call('POST', `/v1/streams/${id}/end`);
    for (const command of ['disable', 'enable']) {
      const reply = await bench.call('POST', `/v1/streams/${id}/${command}`);
      expect([reply.status, reply.body.code]).toEqual([409, 'stream_ended']);
    }
  });

  it('start the workflow of a stream that a crash left without one', async () => {
    const { id } = await bench.createStream();
    const orphan = `str_${'0'.repeat(26)}`;
    const row = await bench.db('streams').where({ id }).first();
    const ladder = row.ladder === null ? null : JSON.stringify(row.ladder);
    const unique = { id: orphan, playback_id: 'orphan', stream_key_hash: 'orphan', ladder, metadata: '{}', version: 0, status: 'idle' };
    await bench.db('streams').insert({ ...row, ...unique });
    const reply = await bench.call('POST', `/v1/streams/${orphan}/end`);
    expect([reply.status, reply.body.status]).toEqual([202, 'ended']);
  });
});

describe('deleting', () => {
  it.each([
    ['an idle stream', false],
    ['an ended stream', true],
  ])('%s hides it at once and removes everything of it', async (_name, ended) => {
    const { id } = await bench.createStream();
    if (ended) await bench.call('POST', `/v1/streams/${id}/end`);
    const reply = await bench.call('DELETE', `/v1/streams/${id}`);
    expect([reply.status, reply.body]).toEqual([202, { id, deleted: true }]);
    for (const path of ['', '/events', '/broadcasts', '/recordings']) {
      const gone = await bench.call('GET', `/v1/streams/${id}${path}`);
      expect([gone.status, gone.body.code]).toEqual([404, 'stream_not_found']);
    }
    const listed = await bench.call('GET', '/v1/streams?limit=100');
    expect(listed.body.data.map((stream: { id: string }) => stream.id)).not.toContain(id);
    expect((await bench.call('DELETE', `/v1/streams/${id}`)).status).toBe(404);
    await until(async () => (await bench.db('streams').where({ id })).length === 0, 'the row to be removed');
    expect(await bench.db('events').where({ stream_id: id })).toEqual([]);
  });
});

describe('lists', () => {
  it('show every stream once over all pages, newest first, while new ones come', async () => {
    const made: string[] = [];
    for (let n = 0; n < 7; n++) made.push((await bench.createStream({ name: `page ${n}` })).id);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`;
      const { body } = await bench.call('GET', `/v1/streams?limit=3${query}`);
      expect(body.data.length).toBeLessThanOrEqual(3);
      seen.push(...body.data.map((stream: { id: string }) => stream.id));
      cursor = body.nextCursor;
      await bench.createStream({ name: 'meanwhile' });
    } while (cursor !== null);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter((id) => made.includes(id))).toEqual([...made].reverse());
  });

  it('can be narrowed to a status, and never show a key', async () => {
    const { id } = await bench.createStream();
    await bench.call('POST', `/v1/streams/${id}/end`);
    await until(async () => (await bench.db('streams').where({ id }).first()).status === 'ended', 'the projection');
    const { body, text } = await bench.call('GET', '/v1/streams?status=ended&limit=100');
    expect(body.data.map((stream: { id: string }) => stream.id)).toContain(id);
    expect(new Set(body.data.map((stream: { status: string }) => stream.status))).toEqual(new Set(['ended']));
    expect(text).not.toContain('streamKey');
  });

  it('of events go on after a sequence', async () => {
    const { id } = await bench.createStream();
    await bench.call('POST', `/v1/streams/${id}/end`);
    await until(async () => (await eventTypes(id)).length === 2, 'both events');
    const first = await bench.call('GET', `/v1/streams/${id}/events?limit=1`);
    expect(first.body).toMatchObject({ data: [{ sequence: 1, type: 'stream.created', streamId: id }], nextCursor: '1' });
    const rest = await bench.call('GET', `/v1/streams/${id}/events?after=${first.body.nextCursor}`);
    expect(rest.body).toMatchObject({ data: [{ sequence: 2, type: 'stream.ended', cause: 'api' }], nextCursor: null });
  });
});
