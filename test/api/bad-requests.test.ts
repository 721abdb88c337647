import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApiBench, type ApiBench } from './support.js';

let bench: ApiBench;
let id: string;
beforeAll(async () => {
  bench = await createApiBench();
  ({ id } = await bench.createStream());
});
afterAll(() => bench.close());

const RUNG = { height: 360, bitrate: 800_000 };
const ladderOf = (...rungs: unknown[]) => ({ ladder: rungs });
const TARGET = { url: 'rtmp://a.test/live', streamKey: 'k' };
const manyEntries = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, 'v']));

/** What is wrong, the create body, and the path of the field that is named in the answer. */
const BAD_CREATES: [string, unknown, string][] = [
  ['a list instead of an object', [], ''],
  ['text instead of an object', '"a"', ''],
  ['null', 'null', ''],
  ['a name that is no text', { name: 1 }, 'name'],
  ['a name of 257 characters', { name: 'x'.repeat(257) }, 'name'],
  ['a name with a line break', { name: 'a\nb' }, 'name'],
  ['a name with NUL', { name: 'a\0b' }, 'name'],
  ['a name with half a surrogate pair', { name: '\ud800' }, 'name'],
  ['reusable that is text', { reusable: 'yes' }, 'reusable'],
  ['a latency that does not exist', { latency: 'ultra' }, 'latency'],
  ['record that is a number', { record: 1 }, 'record'],
  ['a playback policy that does not exist', { playbackPolicy: 'secret' }, 'playbackPolicy'],
  ['a passthrough that does not exist', { passthrough: 'always' }, 'passthrough'],
  ['an empty ladder', ladderOf(), 'ladder'],
  ['nine rungs', { ladder: Array.from({ length: 9 }, (_, n) => ({ ...RUNG, height: 120 + 2 * n })) }, 'ladder'],
  ['two rungs of one height', ladderOf(RUNG, { ...RUNG, bitrate: 900_000 }), 'ladder'],
  ['an odd height', ladderOf({ ...RUNG, height: 361 }), 'ladder.0.height'],
  ['a height below 120', ladderOf({ ...RUNG, height: 118 }), 'ladder.0.height'],
  ['a height above 2160', ladderOf({ ...RUNG, height: 2162 }), 'ladder.0.height'],
  ['a bitrate below 50 kbit/s', ladderOf({ ...RUNG, bitrate: 49_999 }), 'ladder.0.bitrate'],
  ['a bitrate above 20 Mbit/s', ladderOf({ ...RUNG, bitrate: 20_000_001 }), 'ladder.0.bitrate'],
  ['a bitrate with a fraction', ladderOf({ ...RUNG, bitrate: 800_000.5 }), 'ladder.0.bitrate'],
  ['61 frames per second', ladderOf({ ...RUNG, fps: 61 }), 'ladder.0.fps'],
  ['no frames per second', ladderOf({ ...RUNG, fps: 0 }), 'ladder.0.fps'],
  ['a rung without a bitrate', ladderOf({ height: 360 }), 'ladder.0.bitrate'],
  ['a negative reconnect window', { reconnectWindowSeconds: -1 }, 'reconnectWindowSeconds'],
  ['a reconnect window above 30 minutes', { reconnectWindowSeconds: 1801 }, 'reconnectWindowSeconds'],
  ['a maximum duration of zero', { maxDurationSeconds: 0 }, 'maxDurationSeconds'],
  ['a maximum duration above a week', { maxDurationSeconds: 604_801 }, 'maxDurationSeconds'],
  ['a number too large to be exact', '{"maxDurationSeconds":1e309}', 'maxDurationSeconds'],
  ['metadata that is a list', { metadata: [] }, 'metadata'],
  ['51 entries of metadata', { metadata: manyEntries(51) }, 'metadata'],
  ['an empty metadata name', { metadata: { '': 'v' } }, 'metadata.'],
  ['a metadata name of 65 characters', { metadata: { ['k'.repeat(65)]: 'v' } }, `metadata.${'k'.repeat(65)}`],
  ['a metadata value of 513 characters', { metadata: { k: 'v'.repeat(513) } }, 'metadata.k'],
  ['a metadata value that is a number', { metadata: { k: 1 } }, 'metadata.k'],
  ['a metadata value with NUL', { metadata: { k: 'a\0' } }, 'metadata.k'],
  ['destinations that are no list', { destinations: TARGET }, 'destinations'],
  ['101 destinations', { destinations: Array(101).fill(TARGET) }, 'destinations'],
  ['a destination without an address', { destinations: [TARGET, { name: 'a' }] }, 'destinations.1.url'],
  ['a destination that is text', { destinations: ['rtmp://a.test/live/k'] }, 'destinations.0'],
];

describe('creating a stream with', () => {
  it.each(BAD_CREATES)('%s is refused, and the field is named', async (_name, body, path) => {
    const reply = await bench.call('POST', '/v1/streams', { body });
    expect(reply.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect([reply.status, reply.body.code]).toEqual([400, 'invalid_request']);
    expect(reply.body.errors.map((error: { path: string }) => error.path)).toContain(path);
  });

  it.each([
    ['several unknown fields', { nmae: 'a', key: 'b' }, ['nmae', 'key']],
    ['an unknown field in a rung', ladderOf({ ...RUNG, width: 640 }), ['ladder.0.width']],
    ['an unknown field in a destination', { destinations: [{ ...TARGET, key: 'k' }] }, ['destinations.0.key']],
    ['fields only Holdfast sets', { id: 'x', streamKey: 'y', status: 'live' }, ['id', 'streamKey', 'status']],
  ])('%s is refused by name', async (_name, body, names) => {
    const reply = await bench.call('POST', '/v1/streams', { body });
    expect([reply.status, reply.body.code]).toEqual([400, 'unknown_field']);
    expect(reply.body.errors.map((error: { path: string }) => error.path)).toEqual(names);
    for (const name of names) expect(reply.body.detail).toContain(name);
  });

  it.each([
    ['broken JSON', '{"name":', 400, 'invalid_json'],
    ['a name that would be lost', '{"metadata":{"__proto__":"x"}}', 400, 'invalid_request'],
    ['more than 256 KiB', JSON.stringify({ name: 'x'.repeat(270_000) }), 413, 'payload_too_large'],
  ])('%s is refused', async (_name, body, status, code) => {
    const reply = await bench.call('POST', '/v1/streams', { body });
    expect([reply.status, reply.body.code]).toEqual([status, code]);
  });

  it.each([
    ['a form', 'application/x-www-form-urlencoded'],
    ['plain text', 'text/plain'],
    ['an unknown character set', 'application/json; charset=klingon'],
  ])('%s is refused as the wrong type', async (_name, type) => {
    const reply = await bench.call('POST', '/v1/streams', { body: 'name=a', headers: { 'content-type': type } });
    expect([reply.status, reply.body.code]).toEqual([415, 'unsupported_media_type']);
  });

  it('nothing of that has made a stream', async () => {
    const { body } = await bench.call('GET', '/v1/streams');
    expect(body.data.map((stream: { id: string }) => stream.id)).toEqual([id]);
  });
});

/** What is wrong, the destination, its code, and the path of the field that is named in the answer. */
const BAD_DESTINATIONS: [string, Record<string, unknown>, string, string][] = [
  ['no address', {}, 'invalid_request', 'url'],
  ['an address that is a number', { url: 1 }, 'invalid_request', 'url'],
  ['platform and address', { ...TARGET, platform: 'youtube' }, 'invalid_request', 'url'],
  ['a platform that does not exist', { platform: 'myspace', streamKey: 'k' }, 'invalid_request', 'platform'],
  ['a platform without a key', { platform: 'youtube' }, 'invalid_request', 'streamKey'],
  ['an empty key', { ...TARGET, streamKey: '' }, 'invalid_request', 'streamKey'],
  ['a key of 513 characters', { ...TARGET, streamKey: 'k'.repeat(513) }, 'invalid_request', 'streamKey'],
  ['a URL of 801 characters', { url: `rtmp://a.test/${'x'.repeat(787)}` }, 'invalid_request', 'url'],
  ['a name with a line break', { ...TARGET, name: 'a\nb' }, 'invalid_request', 'name'],
  ['an odd height', { ...TARGET, rendition: 361 }, 'invalid_request', 'rendition'],
  ['a height above 2160', { ...TARGET, rendition: 2162 }, 'invalid_request', 'rendition'],
  ['a rendition that does not exist', { ...TARGET, rendition: '720p' }, 'invalid_request', 'rendition'],
  ['enabled that is text', { ...TARGET, enabled: 'yes' }, 'invalid_request', 'enabled'],
  ['slate that is null', { ...TARGET, slate: null }, 'invalid_request', 'slate'],
  ['a state only Holdfast sets', { ...TARGET, status: 'live' }, 'unknown_field', 'status'],
  ['another scheme', { ...TARGET, url: 'https://a.test/live' }, 'destination_url_invalid', 'url'],
  ['a file', { ...TARGET, url: 'file:///etc/passwd' }, 'destination_url_invalid', 'url'],
  ['no key', { url: 'rtmp://a.test/live' }, 'destination_url_invalid', 'url'],
  ['a key that adds a line', { ...TARGET, streamKey: 'k\nrtmp_app=x' }, 'destination_url_invalid', 'url'],
  ['this machine by name', { ...TARGET, url: 'rtmp://localhost/live' }, 'destination_address_forbidden', 'url'],
  ['this machine by number', { ...TARGET, url: 'rtmp://127.0.0.1/live' }, 'destination_address_forbidden', 'url'],
  ['this machine, cleverly', { ...TARGET, url: 'rtmp://2130706433/live' }, 'destination_address_forbidden', 'url'],
  ['this machine in IPv6', { ...TARGET, url: 'rtmp://[::ffff:127.0.0.1]/live' }, 'destination_address_forbidden', 'url'],
  ['a private network', { ...TARGET, url: 'srt://192.168.1.2:9000' }, 'destination_address_forbidden', 'url'],
  ['a metadata service', { ...TARGET, url: 'rtmp://169.254.169.254/live' }, 'destination_address_forbidden', 'url'],
  ['a user before the host', { ...TARGET, url: 'rtmp://user:password@live.example.com/live' }, 'destination_url_invalid', 'url'],
];

describe('a destination with', () => {
  it.each(BAD_DESTINATIONS)('%s is refused, alone and with its stream', async (_name, body, code, path) => {
    const destinations = `/v1/streams/${id}/destinations`;
    const alone = await bench.call('POST', destinations, { body });
    expect([alone.status, alone.body.code]).toEqual([400, code]);
    expect(alone.body.errors.map((error: { path: string }) => error.path)).toEqual([path]);
    const together = await bench.call('POST', '/v1/streams', { body: { destinations: [TARGET, body] } });
    expect([together.status, together.body.code]).toEqual([400, code]);
    expect(together.body.errors.map((error: { path: string }) => error.path)).toEqual([`destinations.1.${path}`]);
    expect(together.body.detail).not.toMatch(/a\.test|passwd|169\./);
  });

  it('nothing of that has made a destination, nor a stream', async () => {
    expect((await bench.call('GET', `/v1/streams/${id}/destinations`)).body).toEqual({ data: [], nextCursor: null });
    expect((await bench.call('GET', '/v1/streams')).body.data).toHaveLength(1);
  });
});

describe('an address', () => {
  const stranger = `str_${'z'.repeat(26)}`;
  const nobody = `dst_${'z'.repeat(26)}`;
  it.each([
    ['that does not exist', 'GET', '/v1/rooms', 404, 'not_found'],
    ['of an unknown stream', 'GET', `/v1/streams/${stranger}`, 404, 'stream_not_found'],
    ['with an id of no known form', 'GET', '/v1/streams/1', 404, 'stream_not_found'],
    ['with an id that tries SQL', 'GET', "/v1/streams/'%20or%201=1--", 404, 'stream_not_found'],
    ['with NUL in the id', 'GET', '/v1/streams/%00', 404, 'stream_not_found'],
    ['with broken percent encoding', 'GET', '/v1/streams/%E0%A4%A', 400, 'invalid_request'],
    ['of an unknown stream to change', 'PATCH', `/v1/streams/${stranger}`, 404, 'stream_not_found'],
    ['of an unknown stream to delete', 'DELETE', `/v1/streams/${stranger}`, 404, 'stream_not_found'],
    ['of an unknown stream to end', 'POST', `/v1/streams/${stranger}/end`, 404, 'stream_not_found'],
    ['of an unknown stream to give a new key', 'POST', `/v1/streams/${stranger}/rotate-key`, 404, 'stream_not_found'],
    ['of the events of an unknown stream', 'GET', `/v1/streams/${stranger}/events`, 404, 'stream_not_found'],
    ['of the destinations of an unknown stream', 'GET', `/v1/streams/${stranger}/destinations`, 404, 'stream_not_found'],
    ['of an unknown destination', 'GET', `/v1/streams/STREAM/destinations/${nobody}`, 404, 'destination_not_found'],
    ['of an unknown destination to change', 'PATCH', `/v1/streams/STREAM/destinations/${nobody}`, 404, 'destination_not_found'],
    ['of an unknown destination to delete', 'DELETE', `/v1/streams/STREAM/destinations/${nobody}`, 404, 'destination_not_found'],
    ['of an unknown destination to start', 'POST', `/v1/streams/STREAM/destinations/${nobody}/start`, 404, 'destination_not_found'],
    ['with a destination of no known form', 'POST', '/v1/streams/STREAM/destinations/1/stop', 404, 'destination_not_found'],
    ['of a command to a destination, read instead', 'GET', `/v1/streams/STREAM/destinations/${nobody}/retry`, 405, 'method_not_allowed'],
    ['of an unknown broadcast', 'GET', '/v1/broadcasts/brd_1', 404, 'broadcast_not_found'],
    ['of an unknown recording', 'GET', '/v1/recordings/rec%201', 404, 'recording_not_found'],
    ['with a limit of zero', 'GET', '/v1/streams?limit=0', 400, 'invalid_request'],
    ['with a limit of 101', 'GET', '/v1/streams?limit=101', 400, 'invalid_request'],
    ['with a limit that is no number', 'GET', '/v1/streams?limit=many', 400, 'invalid_request'],
    ['with two limits', 'GET', '/v1/streams?limit=1&limit=2', 400, 'invalid_request'],
    ['with a made-up cursor', 'GET', '/v1/streams?cursor=abc', 400, 'invalid_cursor'],
    ['with a status that does not exist', 'GET', '/v1/streams?status=asleep', 400, 'invalid_request'],
    ['with an unknown query field', 'GET', '/v1/streams?state=live', 400, 'unknown_field'],
    ['with a negative sequence', 'GET', '/v1/streams/STREAM/events?after=-1', 400, 'invalid_request'],
    ['with a sequence beyond any', 'GET', '/v1/streams/STREAM/events?after=99999999999', 400, 'invalid_request'],
    ['of a command, read instead', 'GET', '/v1/streams/STREAM/end', 405, 'method_not_allowed'],
    ['of the list, deleted', 'DELETE', '/v1/streams', 405, 'method_not_allowed'],
    ['of a stream, put', 'PUT', '/v1/streams/STREAM', 405, 'method_not_allowed'],
    ['of the metrics, posted to', 'POST', '/metrics', 405, 'method_not_allowed'],
  ])('%s is answered with its code', async (_name, method, path, status, code) => {
    const reply = await bench.call(method, path.replace('STREAM', id));
    expect([reply.status, reply.body.code]).toEqual([status, code]);
    expect(reply.body).toMatchObject({ type: `urn:holdfast:error:${code}`, status, title: expect.any(String), detail: expect.any(String) });
    expect(reply.body.requestId).toBe(reply.headers.get('x-request-id'));
  });

  it('with the wrong method names the right ones', async () => {
    expect((await bench.call('PUT', `/v1/streams/${id}`)).headers.get('allow')).toBe('GET, PATCH, DELETE, HEAD, OPTIONS');
  });

  it('refuses the cursor of another list', async () => {
    await bench.createStream();
    const { body } = await bench.call('GET', '/v1/streams?limit=1');
    const reply = await bench.call('GET', `/v1/streams/${id}/broadcasts?cursor=${body.nextCursor}`);
    expect([reply.status, reply.body.code]).toEqual([400, 'invalid_cursor']);
  });
});

describe('a change', () => {
  it.each([
    ['of what cannot be changed', { reusable: true }, 'unknown_field'],
    ['with a bad value', { record: null }, 'invalid_request'],
  ])('%s is refused and changes nothing', async (_name, body, code) => {
    const before = (await bench.db('streams').where({ id }).first()).updated_at;
    const reply = await bench.call('PATCH', `/v1/streams/${id}`, { body: { name: 'changed', ...body } });
    expect([reply.status, reply.body.code]).toEqual([400, code]);
    expect((await bench.db('streams').where({ id }).first()).updated_at).toEqual(before);
  });
});

describe('a token request', () => {
  it.each([
    ['for a permission that does not exist', { permissions: ['root'] }, 400, 'invalid_request'],
    ['for no permission', { permissions: [] }, 400, 'invalid_request'],
    ['that lives a year', { expiresInSeconds: 31_536_000 }, 400, 'invalid_request'],
    ['that has expired already', { expiresInSeconds: 0 }, 400, 'invalid_request'],
    ['for something that is no stream', { streamId: 'a' }, 400, 'invalid_request'],
    ['for an unknown stream', { streamId: `str_${'z'.repeat(26)}` }, 404, 'stream_not_found'],
  ])('%s is refused', async (_name, body, status, code) => {
    const reply = await bench.call('POST', '/v1/tokens', { body });
    expect([reply.status, reply.body.code]).toEqual([status, code]);
  });
});

describe('an Idempotency-Key', () => {
  it.each([
    ['that is empty', ''],
    ['with a space', 'a b'],
    ['of 256 characters', 'x'.repeat(256)],
  ])('%s is refused', async (_name, key) => {
    const reply = await bench.call('POST', '/v1/streams', { body: {}, headers: { 'idempotency-key': key } });
    expect([reply.status, reply.body.code]).toEqual([400, 'invalid_request']);
  });
});
