import { expect, it } from 'vitest';
import { statusOf } from '../../domain/lifecycle/life.js';
import { next } from '../../domain/lifecycle/next.js';
import { obligationsOf } from '../../domain/lifecycle/obligations.js';
import type { CarriedState } from '../../workflows/legacy/carried-state.js';
import { lifeOfOldRun } from '../../workflows/legacy/life-of-old-run.js';

const SOURCE = { video: { codec: 'h264', width: 1280, height: 720, frameRate: 30 }, audio: null } as const;
const publisher = {
  eventId: 'a',
  streamId: 'str_1',
  publishId: 'pub',
  publishSeq: 4,
  hostId: 'host',
  source: SOURCE,
  remoteAddress: '192.0.2.1:5',
};
const settings = {
  playbackId: 'play',
  reusable: true,
  latency: 'low',
  ladder: null,
  record: true,
  reconnectWindowSeconds: 60,
  maxDurationSeconds: 3600,
  playbackPolicy: 'public',
} as const;
const order = {
  hostId: 'host',
  streamId: 'str_1',
  broadcastId: 'brd_1',
  publishId: 'pub',
  epoch: 3,
  source: SOURCE,
  settings,
  after: null,
  programme: false,
};
const state = { disabled: false, sequence: 9, version: 12, lastPublishSeq: 4, seenEventIds: ['a'], lastBroadcastId: 'brd_0', publisher };
const broadcast = {
  broadcastId: 'brd_1',
  hostId: 'host',
  settings,
  retentionHours: 1,
  source: SOURCE,
  liveAt: '2026-01-02T03:04:05.000Z',
  endsAt: 5_000_000,
  encoding: order,
  last: { publishId: 'pub', epoch: 3, mediaSeconds: 0 },
  failures: [],
  restreams: [],
};

it.each<[string, CarriedState, string, string[]]>([
  ['an idle run from before', { ...state, publisher: null }, 'idle', []],
  ['a broadcast of a run from before', { ...state, broadcast }, 'live', ['encode/brd_1/3', 'restream/brd_1', 'wake/5000000']],
])('%s goes on as it was', (_what, carried, status, wanted) => {
  const life = next(lifeOfOldRun('str_1', carried), { kind: 'woken' }, { now: 1000, newId: () => 'id' });
  expect(statusOf(life)).toBe(status);
  expect(obligationsOf(life).map(({ key }) => key)).toEqual(wanted);
  expect(life).toMatchObject({ sequence: 9, version: 12, lastPublishSeq: 4, lastBroadcastId: 'brd_0' });
  const encode = obligationsOf(life).find((obligation) => obligation.kind === 'encode');
  expect(encode?.order).toEqual(status === 'live' ? order : undefined);
});
