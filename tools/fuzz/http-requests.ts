import type { Random } from './random.js';

/** One request as it goes over the wire. */
export interface RawRequest {
  bytes: Buffer;
  /** The request is complete and well-formed enough that an answer (or a close) must come. */
  summary: string;
}

const TRAVERSALS = [
  '../../',
  '..%2f',
  '%2e%2e/',
  '%2e%2e%2f',
  '..%5c',
  '..\\',
  '..%252f',
  '%c0%ae%c0%ae/',
  '....//',
  '/./',
  '//',
  '%00',
  '..;/',
  '%2e%2e%00/',
];
const SECRETS = ['etc/passwd', 'run.json', 'master.key', 'journal.jsonl', 'proc/self/environ', 'package.json'];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'CONNECT', 'BREW', 'get', 'G\tET'];
const RANGES = [
  'bytes=0-',
  'bytes=-1',
  'bytes=5-2',
  'bytes=99999999999-',
  'bytes=-0',
  'bytes=0-0,1-1,2-2',
  'bytes=a-b',
  'lines=1-2',
  'bytes=',
  '',
  'bytes=18446744073709551616-',
  `bytes=${'0-1,'.repeat(500)}0-1`,
];
const NUMBERS = ['0', '1', '-1', '1.5', '1e9', '99999999999999999999', 'NaN', '', ' 1', '0x10', '%31', 'null', '１'];
const BAD_HEADERS = [
  'content-length: -1',
  'content-length: 99999999999',
  'transfer-encoding: chunked, chunked',
  'transfer-encoding: xchunked',
  'content-length: 3\r\ntransfer-encoding: chunked',
  'expect: 100-continue',
  'expect: a miracle',
  'connection: upgrade\r\nupgrade: websocket',
  'host: \x00',
  ': nameless',
  'folded: a\r\n b',
  'accept-encoding: gzip;q=banana',
  'if-none-match: """"',
  'cookie: \xff\xfe',
  'authorization: Basic ====',
  'authorization: Bearer a.b.c',
  'authorization: Bearer eyJhbGciOiJub25lIn0.eyJhcGlrZXkiOiJ4In0.',
  'idempotency-key: \x01',
  'content-encoding: br',
  'content-type: application/json; charset=utf-7',
  'x-forwarded-for: 127.0.0.1',
];
const LONG = 7000;
const HUGE = 40_000;

function strange(random: Random): string {
  const parts = Array.from({ length: 1 + random.below(6) }, () => random.pick(TRAVERSALS));
  return `${parts.join('')}${random.pick(SECRETS)}`;
}

function long(random: Random): string {
  return random.pick(['a', '%41', '/', '?', '&x=', '%']).repeat(random.chance(0.2) ? HUGE : LONG);
}

const number = (random: Random): string => random.pick(NUMBERS);

/** Requests to the playback address. `known` are paths that exist: playlists and segments of a live stream. */
export function playbackRequest(random: Random, known: readonly string[]): RawRequest {
  const base = random.pick(known);
  const path = random.pick([
    () => base,
    () => `${base.slice(0, base.lastIndexOf('/') + 1)}${strange(random)}`,
    () => `/${strange(random)}`,
    () => `${base}?${long(random)}`,
    () => `/${long(random)}`,
    () => `${base}?_HLS_msn=${number(random)}&_HLS_part=${number(random)}&_HLS_skip=${random.pick(['YES', 'v2', 'no', ''])}`,
    () => `${base}?_HLS_part=${number(random)}`,
    () => `${base}?_HLS_msn=${random.below(5)}&_HLS_msn=${number(random)}`,
    () => `${base}?token=${long(random).slice(0, LONG)}`,
    () => `/t/${random.pick(['a.b.c', '', long(random).slice(0, LONG)])}${base}`,
    () =>
      random
        .bytes(60)
        .toString('latin1')
        .replaceAll(/[\r\n]/g, ' '),
  ])();
  return request(random, path, [`range: ${random.pick(RANGES)}`], '');
}

const JSON_VALUES = [
  'null',
  'true',
  '0',
  '-1',
  '1e400',
  '"x"',
  '[]',
  '{}',
  '""',
  '"\\u0000"',
  '"\\ud800"',
  '[[[[[[]]]]]]',
  '{"__proto__":{"x":1}}',
];
const FIELDS = [
  'name',
  'reusable',
  'latency',
  'ladder',
  'passthrough',
  'record',
  'reconnectWindowSeconds',
  'maxDurationSeconds',
  'playbackPolicy',
  'destinations',
  'metadata',
  'unknown',
];

function body(random: Random): string {
  return random.pick([
    () => `{${Array.from({ length: random.below(5) }, () => `"${random.pick(FIELDS)}":${random.pick(JSON_VALUES)}`).join(',')}}`,
    () => random.pick(JSON_VALUES),
    () => '['.repeat(random.below(HUGE)),
    () => `{"name":"${'x'.repeat(random.below(300_000))}"}`,
    () => random.bytes(200).toString('latin1'),
    () => '',
  ])();
}

/** Requests to the REST API. `streamId` exists; `authorization` is valid. Nothing it asks for lasts. */
export function apiRequest(random: Random, streamId: string, authorization: string): RawRequest {
  const paths = [
    '/v1/streams',
    `/v1/streams/${streamId}`,
    `/v1/streams/${streamId}/events`,
    `/v1/streams/${streamId}/destinations`,
    '/v1/tokens',
    '/v1/broadcasts/brd_none',
    '/v1/recordings/rec_none',
    '/openapi.json',
    '/docs',
    '/',
    '/v1/nothing',
  ];
  const path = random.pick([
    () => random.pick(paths),
    () => `${random.pick(paths)}/${strange(random)}`,
    () => `/v1/streams/${encodeURIComponent(random.bytes(8).toString('latin1'))}`,
    () => `/v1/streams?status=${number(random)}&cursor=${encodeURIComponent(random.bytes(12).toString('base64'))}&limit=${number(random)}`,
    () => `/v1/streams?${long(random)}`,
    () => `/v1/streams/${streamId}/events?after=${number(random)}&limit=${number(random)}`,
    () => `/${strange(random)}`,
  ])();
  const headers = ['content-type: application/json', ...(random.chance(0.8) ? [`authorization: ${authorization}`] : [])];
  return request(random, path, headers, body(random));
}

function request(random: Random, path: string, headers: string[], content: string): RawRequest {
  const method = random.chance(0.6) ? random.pick(['GET', 'POST', 'HEAD']) : random.pick(METHODS);
  const sent = method === 'GET' || method === 'HEAD' ? '' : content;
  const lines = [
    `${method} ${path} HTTP/1.${random.chance(0.95) ? 1 : random.below(10)}`,
    ...(random.chance(0.95) ? ['host: 127.0.0.1'] : []),
    'connection: close',
    ...headers,
    ...(random.chance(0.3) ? [random.pick(BAD_HEADERS)] : []),
    ...(random.chance(0.05) ? Array.from({ length: 3000 }, (_value, index) => `x-${index}: y`) : []),
    `content-length: ${Buffer.byteLength(sent, 'latin1')}`,
  ];
  return { bytes: Buffer.from(`${lines.join('\r\n')}\r\n\r\n${sent}`, 'latin1'), summary: `${method} ${path.slice(0, 80)}` };
}
