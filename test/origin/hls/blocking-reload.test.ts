import { describe, expect, test } from 'vitest';
import { decideReload, isListed, readDirectives, type PlaylistEdge } from '../../../origin/hls/blocking-reload.js';

const PART_TARGET = 0.5;
/** Segment 10 is open and has two parts; segment 9 had four. */
const OPEN: PlaylistEdge = { msn: 10, parts: 2, partsBefore: 4 };
/** Segment 9 has just been closed, with four parts. */
const CLOSED: PlaylistEdge = { msn: 10, parts: 0, partsBefore: 4 };
const NOTHING: PlaylistEdge = { msn: 0, parts: 0, partsBefore: null };

describe('a blocking reload', () => {
  test.each<[string, PlaylistEdge, number | null, number | null, 'now' | 'wait' | 'refuse']>([
    ['for no number is answered at once', OPEN, null, null, 'now'],
    ['for a listed part is answered at once', OPEN, 10, 1, 'now'],
    ['for the next part waits', OPEN, 10, 2, 'wait'],
    ['for a part within the advance limit waits', OPEN, 10, 7, 'wait'],
    ['for a part beyond the advance limit is refused', OPEN, 10, 8, 'refuse'],
    ['for a part past the end of the segment before is for the first part of this one', OPEN, 9, 4, 'now'],
    ['for a part past the end of the last segment waits for the first part of the next', CLOSED, 9, 4, 'wait'],
    ['for any part past the end of the last segment is no request too far ahead', CLOSED, 9, 40, 'wait'],
    ['for a listed part of the last segment is answered at once', CLOSED, 9, 3, 'now'],
    ['for the open segment alone needs its first part: there', OPEN, 10, null, 'now'],
    ['for the next segment alone needs its first part: not there', CLOSED, 10, null, 'wait'],
    ['for the segment after the open one waits', OPEN, 11, null, 'wait'],
    ['for two segments after the last waits', OPEN, 12, 0, 'wait'],
    ['for three segments after the last is refused', OPEN, 13, 0, 'refuse'],
    ['for a number far away is refused', OPEN, 99, null, 'refuse'],
    ['for an old segment is answered at once', OPEN, 3, 2, 'now'],
    ['for a part past the end of an old segment is answered at once', OPEN, 3, 99, 'now'],
    ['for a segment that has left the window is answered at once', OPEN, 0, null, 'now'],
    ['for a part of a segment whose parts nobody knows any more is answered at once', { ...CLOSED, partsBefore: null }, 9, 4, 'now'],
    ['for the first segment of a broadcast without any waits', NOTHING, 0, 0, 'wait'],
  ])('%s', (_sentence, edge, msn, part, kind) => {
    expect(decideReload({ msn, part, skip: false }, edge, PART_TARGET).kind).toBe(kind);
  });

  test('with long parts may be three parts ahead', () => {
    expect(decideReload({ msn: 10, part: 4, skip: false }, OPEN, 1).kind).toBe('wait');
    expect(decideReload({ msn: 10, part: 5, skip: false }, OPEN, 1).kind).toBe('refuse');
  });

  test('that waited for a part that the segment never got is due with the next segment', () => {
    expect(isListed(10, 5, { msn: 11, parts: 0, partsBefore: 4 })).toBe(false);
    expect(isListed(10, 5, { msn: 11, parts: 1, partsBefore: 4 })).toBe(true);
  });
});

describe('the directives of a request', () => {
  test.each([
    ['', { msn: null, part: null, skip: false }],
    ['_HLS_msn=7&_HLS_part=2', { msn: 7, part: 2, skip: false }],
    ['_HLS_msn=7&_HLS_skip=YES', { msn: 7, part: null, skip: true }],
    ['_HLS_skip=v2', { msn: null, part: null, skip: true }],
    ['_HLS_skip=no', { msn: null, part: null, skip: false }],
    ['token=a&other=b', { msn: null, part: null, skip: false }],
  ])('%s are read', (query, directives) => {
    expect(readDirectives(new URLSearchParams(query))).toEqual(directives);
  });

  test.each(['_HLS_part=1', '_HLS_msn=x', '_HLS_msn=', '_HLS_msn=-1', '_HLS_msn=1.5', '_HLS_msn=1&_HLS_part=0x1', '_HLS_msn=1e3'])(
    '%s are refused',
    (query) => {
      expect(readDirectives(new URLSearchParams(query))).toEqual({ reason: expect.stringMatching(/^_HLS_/) as string });
    },
  );
});
