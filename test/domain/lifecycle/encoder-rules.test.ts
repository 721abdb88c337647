import { describe, expect, it } from 'vitest';
import { PICTURE_GRACE_MS } from '../../../domain/lifecycle/encoder-rules.js';
import type { EncoderEnd } from '../../../domain/lifecycle/encoder-order.js';
import type { Fact } from '../../../domain/lifecycle/facts.js';
import { newLife, statusOf, type StreamLife } from '../../../domain/lifecycle/life.js';
import { DOUBT_LIMIT_MS, next } from '../../../domain/lifecycle/next.js';
import { obligationsOf } from '../../../domain/lifecycle/obligations.js';
import type { StreamSettings } from '../../../domain/stream.js';

const NOW = 1_700_000_000_000;
const SETTINGS: StreamSettings = {
  playbackId: 'play',
  reusable: false,
  latency: 'low',
  ladder: null,
  record: false,
  reconnectWindowSeconds: 5,
  maxDurationSeconds: 3600,
  playbackPolicy: 'public',
};
const STARTED = {
  eventId: 'start',
  streamId: 'str_1',
  publishId: 'pub-1',
  publishSeq: 1,
  hostId: 'host',
  source: { video: { codec: 'h264', width: 1280, height: 720, frameRate: 30 }, audio: null },
  remoteAddress: '192.0.2.1:5000',
} as const;

let ids = 0;
const after = (life: StreamLife, fact: Fact, now = NOW): StreamLife => next(life, fact, { now, newId: () => String((ids += 1)) });

function live(): StreamLife {
  ids = 0;
  const begun = after(newLife('str_1'), { kind: 'publishStarted', started: STARTED });
  const { broadcastId } = begun.broadcast!;
  const open = after(begun, { kind: 'opened', broadcastId, settings: SETTINGS, retentionHours: 1 });
  return after(open, { kind: 'encoderPlayable', broadcastId, epoch: 1 });
}

const ends = (life: StreamLife, reason: EncoderEnd['reason'], unreachable = false): StreamLife => {
  const { broadcastId, encoder } = life.broadcast!;
  return after(life, {
    kind: 'encoderEnded',
    broadcastId,
    epoch: encoder!.order.epoch,
    end: { reason, detail: '', mediaSeconds: 3, unreachable },
  });
};
const wanted = (life: StreamLife): string[] => obligationsOf(life).map(({ key }) => key.split('/')[0]!);
const found = (life: StreamLife, present: boolean): StreamLife => after(life, { kind: 'publisherFound', publishId: 'pub-1', present });

describe('an encoder that ends', () => {
  it.each<[EncoderEnd['reason'], { status: string; wants: string; wantsNot: string; publisher: string | undefined }]>([
    ['crashed', { status: 'live', wants: 'encode', wantsNot: 'find', publisher: 'pub-1' }],
    ['stopped', { status: 'live', wants: 'encode', wantsNot: 'find', publisher: 'pub-1' }],
    ['source_gone', { status: 'reconnecting', wants: 'encode', wantsNot: 'find', publisher: undefined }],
    ['source_unknown', { status: 'reconnecting', wants: 'find', wantsNot: 'encode', publisher: undefined }],
    ['host_lost', { status: 'reconnecting', wants: 'find', wantsNot: 'encode', publisher: undefined }],
  ])('%s', (reason, { status, wants, wantsNot, publisher }) => {
    const life = ends(live(), reason);
    expect(statusOf(life)).toBe(status);
    expect(wanted(life)).toContain(wants);
    expect(wanted(life)).not.toContain(wantsNot);
    expect(life.publisher?.publishId).toBe(publisher);
  });

  it('by being lost sight of is taken on with its number when its host is back', () => {
    const before = live();
    const life = found(ends(before, 'host_lost', true), true);
    expect(life.broadcast!.encoder!.order).toEqual(before.broadcast!.encoder!.order);
    expect(life.broadcast!.hostIsLost).toBe(false);
  });

  it('with a silent ingest leaves the publisher more time than a short window has, but not for ever', () => {
    const life = ends(live(), 'source_unknown');
    const later = (ms: number): StreamLife => after(life, { kind: 'woken' }, NOW + ms);
    expect(statusOf(later(SETTINGS.reconnectWindowSeconds * 1000 + 1))).toBe('reconnecting');
    expect(statusOf(later(DOUBT_LIMIT_MS))).toBe('ending');
    const gone = found(life, false);
    expect(statusOf(after(gone, { kind: 'woken' }, NOW + SETTINGS.reconnectWindowSeconds * 1000))).toBe('ending');
  });

  it.each([
    ['begins again in time', true, 'live'],
    ['stays dry', false, 'reconnecting'],
  ])('not, but gives nothing: the stream is no longer live after a moment; and when it %s', (_what, again, status) => {
    const { broadcastId } = live().broadcast!;
    const told = (life: StreamLife, playable: boolean, now: number): StreamLife =>
      after(life, { kind: 'encoderPlayable', broadcastId, epoch: 1, playable }, now);
    const dry = told(live(), false, NOW);
    expect(statusOf(dry)).toBe('live');
    const later = after(dry, { kind: 'woken' }, NOW + PICTURE_GRACE_MS);
    expect(statusOf(later)).toBe('reconnecting');
    expect(later.publisher?.publishId).toBe('pub-1');
    const end = NOW + 20_000;
    expect(statusOf(again ? told(later, true, end) : after(later, { kind: 'woken' }, end))).toBe(status);
  });
});
