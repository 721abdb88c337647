import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { RelayReader } from '../../domain/contracts/ingest-control.js';
import { HoldfastError } from '../../domain/errors.js';
import { ODD_REQUEST_LINES, rawRequest } from '../support/request-lines.js';
import { until } from '../support/until.js';
import { clientOf } from './programme-reader.js';
import { decodeRelay, nextStart, publish, startTestIngest, statusOf, type TestIngest } from './support.js';

const KEY = 'sk_controlled';
let ingest: TestIngest;
afterEach(async () => ingest.close());

describe('the control address', () => {
  it('shows publishers once their media is described, and disconnects them once', async () => {
    ingest = await startTestIngest({ [KEY]: 'str_1' });
    expect(await (await ingest.get('/publishers')).json()).toEqual({ publishers: [] });
    const publishedAt = Date.now();
    const encoder = publish(ingest.rtmpUrl(KEY), { seconds: 60 });
    const { publishId, source } = await nextStart(ingest);
    const status = await statusOf(ingest, publishId);
    expect(status).toMatchObject({ publishId, streamId: 'str_1', publishSeq: 1, source });
    expect(status?.bytesIn).toBeGreaterThan(0);
    expect(await (await ingest.get('/publishers')).json()).toMatchObject({ publishers: [{ publishId }] });

    expect(status?.readers).toEqual({});
    const resumed = await ingest.get(`/relay/${publishId}.flv?start=resume&from=60000&reader=brd_1-2`);
    await resumed.body!.cancel();
    expect((await statusOf(ingest, publishId))?.readers).toEqual({ 'brd_1-2': 60_000 });

    const begins = async (start: RelayReader['start'], fromMs = 0) =>
      (await clientOf(ingest).relayStart(publishId, { start, fromMs, name: null, copies: false })).receivedAt;
    const first = (await begins('cache'))!;
    const half = (await begins('resume', 1500))!;
    const later = (await begins('cache'))!;
    // ffmpeg sends the first half second of a file at once: that counts as if it had begun earlier.
    expect(first).toBeGreaterThan(publishedAt - 1000);
    expect(first).toBeLessThanOrEqual(Date.now());
    // The publish's clock begins with a second at its first frame; what comes more promptly makes the date an earlier one.
    expect(half).toBeLessThanOrEqual(first + 500);
    expect(half).toBeGreaterThanOrEqual(later + 400);
    expect(await begins('keyframe')).toBeNull();
    expect(await clientOf(ingest).programmeStart('str_1', null)).toEqual({ receivedAt: expect.any(Number) });
    expect(await clientOf(ingest).programmeStart('str_2', null)).toEqual({ receivedAt: null });

    const decoded = decodeRelay(ingest, publishId);
    await until(async () => (await (await ingest.get('/metrics')).text()).includes('relay_readers{process="ingest"} 1'), 'the reader');
    const path = `/publishers/${publishId}/disconnect`;
    expect(await (await ingest.post(path, '{"reason":"the stream was ended"}')).json()).toEqual({ disconnected: true });
    expect(await encoder.exited).not.toBe(0);
    expect(encoder.stderr()).toContain('the stream was ended');
    expect((await decoded).complaints).toBe('');
    expect(await (await ingest.post(path, '{"reason":"again"}')).json()).toEqual({ disconnected: false });
    await until(() => ingest.signals.stopped.length > 0, 'the workflow to be told');
    expect(ingest.signals.stopped).toMatchObject([{ publishId, reason: 'disconnected' }]);
    expect(ingest.logged.join('')).not.toContain(KEY);
  });

  it.each<[string, string | undefined, number, string]>([
    ['/publishers/pub_none', undefined, 404, 'not_found'],
    ['/publishers/a/b/c', undefined, 404, 'not_found'],
    ['/relay/pub_none.flv', undefined, 404, 'not_found'],
    ['/relay/pub_none/start', undefined, 404, 'not_found'],
    ['/relay/pub_none/start?start=yesterday', undefined, 400, 'invalid_request'],
    ['/relay/pub_none.flv?start=yesterday', undefined, 400, 'invalid_request'],
    ['/relay/pub_none.flv?start=resume&from=noon', undefined, 400, 'invalid_request'],
    ['/relay/pub_none.flv?start=resume&from=1000', undefined, 404, 'not_found'],
    ['/publishers', '{}', 405, 'method_not_allowed'],
    ['/publishers/pub_none/disconnect', undefined, 405, 'method_not_allowed'],
    ['/publishers/pub_none/disconnect', 'no json', 400, 'invalid_json'],
    ['/publishers/pub_none/disconnect', '{"reason":7}', 400, 'invalid_request'],
    ['/publishers/pub_none/disconnect', JSON.stringify({ reason: 'x'.repeat(20_000) }), 413, 'payload_too_large'],
  ])('answers %s, body %.20s, with %i', async (path, body, status, code) => {
    ingest = await startTestIngest({});
    const response = body === undefined ? await ingest.get(path) : await ingest.post(path, body);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
  });

  it('is for processes of its host alone', async () => {
    ingest = await startTestIngest({});
    const at = `http://127.0.0.1:${ingest.controlPort}`;
    const post = { method: 'POST', headers: { origin: 'https://page.test', 'content-type': 'text/plain' } };
    for (const path of ['/publishers', '/publishers/pub_1', '/relay/pub_1.flv', '/programme/str_1.flv?slate=none', '/readers/dst_1/end']) {
      for (const request of [{}, post]) {
        const response = await fetch(`${at}${path}`, request);
        expect([path, response.status, await response.json()]).toMatchObject([path, 401, { code: 'unauthenticated' }]);
      }
    }
    const { authorization } = ingest.access;
    const rebound = await rawRequest(ingest.controlPort, 'GET /publishers HTTP/1.1', { authorization, host: 'rebound.test' });
    expect(rebound).toMatch(/^HTTP\/1\.1 403 /);
  });

  it('is ended by no request line', async () => {
    ingest = await startTestIngest({});
    const { authorization } = ingest.access;
    for (const line of ODD_REQUEST_LINES) {
      const answer = await rawRequest(ingest.controlPort, line, { authorization });
      expect([line, /^(HTTP\/1\.1 (4|200)|$)/.test(answer) ? 'answered' : answer]).toEqual([line, 'answered']);
    }
    expect((await ingest.get('/healthz')).status).toBe(200);
  });

  it('is healthy and ready while it listens, and has metrics', async () => {
    ingest = await startTestIngest({});
    expect((await ingest.get('/healthz')).status).toBe(200);
    expect(await (await ingest.get('/readyz')).json()).toEqual({ status: 'ready', checks: { rtmp: null } });
    expect(await (await ingest.get('/metrics')).text()).toContain('holdfast_ingest_publishers{process="ingest"} 0');
  });

  it('drops a reader that does not read, and the publisher goes on', async () => {
    ingest = await startTestIngest({ [KEY]: 'str_1' }, { readerBytes: 100_000 });
    const noise = [
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-b:v',
      '20M',
      '-minrate',
      '20M',
      '-maxrate',
      '20M',
      '-bufsize',
      '2M',
      '-nal-hrd',
      'cbr',
      '-g',
      '30',
    ];
    const encoder = publish(ingest.rtmpUrl(KEY), { seconds: 60, video: noise });
    const { publishId } = await nextStart(ingest);
    const stuck = connect(ingest.controlPort, '127.0.0.1');
    await once(stuck, 'connect');
    stuck.pause();
    stuck.write(`GET ${ingest.access.sign(`/relay/${publishId}.flv`)} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await until(() => ingest.logged.join('').includes('relay reader dropped'), 'the reader to be dropped');
    expect((await statusOf(ingest, publishId))?.idleMs).toBeLessThan(3000);
    stuck.destroy();
    encoder.child.kill('SIGKILL');
    await encoder.exited;
  });
});

describe('workflows', () => {
  it('hear of everything, once and in order, after Temporal was away; the media goes on meanwhile', async () => {
    ingest = await startTestIngest({ [KEY]: 'str_1' });
    ingest.signals.failure = new Error('Temporal is away');
    const encoder = publish(ingest.rtmpUrl(KEY), { seconds: 2 });
    const { publishers } = await until(async () => {
      const listed = (await (await ingest.get('/publishers')).json()) as { publishers: { publishId: string }[] };
      return listed.publishers.length > 0 ? listed : null;
    }, 'the publisher to be described');
    const publishId = publishers[0]?.publishId ?? '';
    expect((await decodeRelay(ingest, publishId)).video).toBe(2 * 30);
    expect(await encoder.exited).toBe(0);
    ingest.signals.failure = null;
    await until(() => ingest.signals.stopped.length > 0, 'the workflow to hear of both');
    expect(ingest.signals.started).toMatchObject([{ publishId }]);
    expect(ingest.signals.stopped).toMatchObject([{ publishId, reason: 'closed' }]);
  });

  it('that are over refuse the publisher: it is disconnected with the reason', async () => {
    ingest = await startTestIngest({ [KEY]: 'str_1' });
    ingest.signals.failure = new HoldfastError('stream_ended');
    const encoder = publish(ingest.rtmpUrl(KEY), { seconds: 60 });
    expect(await encoder.exited).not.toBe(0);
    expect(encoder.stderr()).toContain('The stream has ended');
    await until(() => ingest.claims.released.length === 1, 'the stream to be free');
  });
});

it('a stopping ingest ends its publishers, tells their workflows and frees their streams', async () => {
  ingest = await startTestIngest({ [KEY]: 'str_1' });
  const encoder = publish(ingest.rtmpUrl(KEY), { seconds: 60 });
  const { publishId } = await nextStart(ingest);
  await ingest.close();
  expect(ingest.signals.stopped).toMatchObject([{ publishId, reason: 'closed' }]);
  expect(ingest.claims.released).toEqual([publishId]);
  expect(await encoder.exited).not.toBe(0);
  ingest = await startTestIngest({});
});

it('a stopping ingest does not wait for ever for a Temporal that is away', async () => {
  ingest = await startTestIngest({ [KEY]: 'str_1' });
  ingest.signals.failure = new Error('Temporal is away');
  const encoder = publish(ingest.rtmpUrl(KEY), { seconds: 60 });
  await until(() => ingest.logged.join('').includes('signal not delivered yet'), 'the first try');
  await ingest.close();
  expect(ingest.logged.join('')).toContain('signal given up');
  expect(await encoder.exited).not.toBe(0);
  ingest = await startTestIngest({});
});
