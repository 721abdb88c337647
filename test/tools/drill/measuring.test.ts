import { describe, expect, it } from 'vitest';
import { FrameLedger, parseRows } from '../../../tools/drill/frame-numbers.js';
import { listedSegments } from '../../../tools/drill/segment-watch.js';
import { judgePlayback } from '../../../tools/drill/stall.js';
import { timeUntil, timeUntilOnly, type StatusSample } from '../../../tools/drill/status-watch.js';
import { timelineProblems } from '../../../tools/drill/timeline.js';
import { failuresOf } from '../../../tools/drill/verdict.js';
import type { StreamEvent } from '../../../domain/event.js';

const play = (positions: readonly number[], starts: readonly number[] = []) =>
  positions.map((position, index) => ({ at: index * 100, position, ended: false, starts: starts[index] ?? 1 }));

describe('a stall', () => {
  it.each([
    ['none while the position moves', [0, 1, 2, 3], 100],
    ['as long as the position stands', [0, 1, 1, 1, 2], 300],
    ['still going on at the last look', [0, 1, 1, 1], 200],
    ['counted when the position jumps back, not beyond', [5, 5, 1, 2], 200],
  ])('is %s', (_name, positions, expected) => {
    expect(judgePlayback(play(positions)).longestStallMs).toBe(expected);
  });

  it('is none at the end of the broadcast, where standing still is right', () => {
    const samples = play([0, 1, 1, 1, 1]).map((sample, index) => ({ ...sample, ended: index >= 2 }));
    expect(judgePlayback(samples)).toMatchObject({ longestStallMs: 100, ended: true });
  });

  it('is told apart from a player that starts over', () => {
    expect(judgePlayback(play([0, 1, 2], [1, 1, 2])).restarts).toBe(1);
  });
});

describe('frames', () => {
  const frames = (run: number, ...numbers: number[]) => numbers.map((frame) => ({ run, frame }));

  it('are read from black and white blocks', () => {
    const row = Array.from({ length: 20 }, (_, bit) => ([0, 2, 16].includes(bit) ? 235 : 16));
    expect(parseRows(Uint8Array.from(row))).toEqual([{ run: 1, frame: 5 }]);
  });

  it.each([
    ['all there', [frames(1, 7, 8, 9)], { frames: 3, lost: 0, repeated: 0 }],
    ['missing in between', [frames(1, 7, 10)], { frames: 2, lost: 2, repeated: 0 }],
    ['shown again', [frames(1, 7, 8, 7, 8, 9)], { frames: 5, lost: 0, repeated: 2 }],
    ['missing at the start of the next encoder run', [frames(1, 7), frames(2, 3, 4)], { frames: 2, lost: 3, repeated: 0 }],
    ['of a slate are none of the encoder’s', [frames(1, 7), frames(0, 0, 0, 0), frames(1, 8)], { frames: 1, lost: 0, repeated: 0 }],
    ['missing between two looks', [frames(1, 7), frames(1, 9)], { frames: 1, lost: 1, repeated: 0 }],
  ])('%s are counted', (_name, looks, expected) => {
    const ledger = new FrameLedger();
    expect(looks.map((look) => ledger.take(look)).at(-1)).toEqual(expected);
  });
});

describe('what the API says', () => {
  const said = (...statuses: StatusSample['status'][]): StatusSample[] =>
    statuses.map((status, index) => ({ at: index * 200, http: status ? 200 : 0, tookMs: 5, status, broadcastId: 'brd_1' }));

  it('is true from the first right answer after the fault', () => {
    expect(timeUntil(said('live', 'live', 'reconnecting', 'live'), 200, 'reconnecting')).toBe(200);
    expect(timeUntil(said('live', 'live'), 0, 'reconnecting')).toBeNull();
  });

  it('is settled when nothing else is said any more', () => {
    expect(timeUntilOnly(said('live', 'live'), 0, 'live')).toBe(0);
    expect(timeUntilOnly(said('live', null, 'live', 'live'), 0, 'live')).toBe(400);
    expect(timeUntilOnly(said('live', 'reconnecting'), 0, 'live')).toBeNull();
  });
});

describe('a timeline', () => {
  const event = (sequence: number, type: StreamEvent['type'], id = `evt_${sequence}`): StreamEvent => ({
    id,
    sequence,
    type,
    streamId: 'str_1',
    broadcastId: 'brd_1',
    occurredAt: new Date(sequence * 1000).toISOString(),
    data: {},
  });

  it('in order has no problems', () => {
    expect(timelineProblems([event(1, 'stream.live'), event(2, 'stream.reconnecting'), event(3, 'stream.reconnected')])).toEqual([]);
  });

  it.each([
    ['a hole', [event(1, 'stream.live'), event(3, 'stream.ending')]],
    ['an event twice', [event(1, 'stream.live'), event(2, 'stream.health', 'evt_1')]],
    ['a return of who was never away', [event(1, 'stream.live'), event(2, 'stream.reconnected')]],
    ['a second loss without a return', [event(1, 'stream.reconnecting'), event(2, 'stream.reconnecting')]],
  ])('with %s has one', (_name, events) => {
    expect(timelineProblems(events)).toHaveLength(1);
  });
});

describe('a playlist', () => {
  it('is read with its numbers, headers and discontinuities', () => {
    const text = [
      '#EXTM3U',
      '#EXT-X-MEDIA-SEQUENCE:41',
      '#EXT-X-MAP:URI="init-1.mp4"',
      '#EXTINF:2.00000,',
      'seg41.m4s',
      '#EXT-X-DISCONTINUITY',
      '#EXT-X-MAP:URI="init-2.mp4"',
      '#EXT-X-GAP',
      '#EXTINF:1.50000,',
      'seg42.m4s',
      '#EXT-X-PART:DURATION=0.3,URI="seg43.0.m4s"',
      '',
    ].join('\n');
    expect(listedSegments(text, 'http://origin/id/240p/index.m3u8')).toEqual([
      {
        msn: 41,
        url: 'http://origin/id/240p/seg41.m4s',
        map: 'http://origin/id/240p/init-1.mp4',
        seconds: 2,
        discontinuity: false,
        gap: false,
      },
      {
        msn: 42,
        url: 'http://origin/id/240p/seg42.m4s',
        map: 'http://origin/id/240p/init-2.mp4',
        seconds: 1.5,
        discontinuity: true,
        gap: true,
      },
    ]);
  });
});

describe('a verdict', () => {
  const measured = { longestStallMs: 100, framesLost: 3, framesRepeated: 0, discontinuities: 1, statusTrueMs: 200, problems: [] };
  const limits = { stallMs: 500, framesLost: 3, discontinuities: 1, statusMs: 1000 };

  it('passes at the limits', () => {
    expect(failuresOf(measured, limits)).toEqual([]);
  });

  it.each([
    ['a longer stall', { longestStallMs: 501 }],
    ['one frame more', { framesLost: 4 }],
    ['another discontinuity', { discontinuities: 2 }],
    ['a status that is never true', { statusTrueMs: null }],
    ['a late status', { statusTrueMs: 1001 }],
    ['anything else that was wrong', { problems: ['two encoders run'] }],
  ])('fails for %s', (_name, change) => {
    expect(failuresOf({ ...measured, ...change }, limits)).toHaveLength(1);
  });
});
