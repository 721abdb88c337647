import { describe, expect, test } from 'vitest';
import { liveWindowStart } from '../../../origin/hls/live-window.js';
import { lowLatencyConstants } from '../../../origin/hls/low-latency.js';
import { renderMediaPlaylist, skippableSegments, type MediaPlaylist } from '../../../origin/hls/media-playlist.js';
import type { MediaSegment } from '../../../origin/hls/segment.js';
import { mergeDelta } from '../../../tools/bench/playlist-follower.js';
import { parseMedia } from '../playlist-check.js';
import { expectGolden } from './golden.js';

const START = Date.parse('2026-01-02T03:04:05.678Z');
const segment = (msn: number, more: Partial<MediaSegment> = {}): MediaSegment => ({
  uri: `${msn}.m4s`,
  duration: 2,
  programDateTime: START + msn * 2000,
  discontinuity: false,
  map: 'init-1.mp4',
  gap: false,
  ...more,
});
const live: MediaPlaylist = { targetDuration: 2, mediaSequence: 4, discontinuitySequence: 0, segments: [], ended: false, onDemand: false };

describe('a media playlist', () => {
  const cases: [string, string, MediaPlaylist][] = [
    [
      'lists a sliding window of a live broadcast',
      'live',
      { ...live, segments: [segment(4), segment(5, { duration: 2.002 }), segment(6)] },
    ],
    [
      'breaks the timeline with a new header where another encoder took over',
      'discontinuity',
      {
        ...live,
        discontinuitySequence: 1,
        segments: [
          segment(4),
          segment(5, { duration: 0.7 }),
          segment(6, { discontinuity: true, map: 'init-2.mp4' }),
          segment(7, { map: 'init-2.mp4' }),
        ],
      },
    ],
    [
      'keeps the break of its first segment out of the count of those that have left',
      'discontinuity-first',
      { ...live, mediaSequence: 6, segments: [segment(6, { discontinuity: true, map: 'init-2.mp4' }), segment(7, { map: 'init-2.mp4' })] },
    ],
    [
      'marks what a rendition does not have as a gap, even before its first header',
      'gap',
      { ...live, segments: [segment(4, { gap: true, map: null }), segment(5), segment(6, { gap: true }), segment(7)] },
    ],
    [
      'is finished when the broadcast has ended',
      'ended',
      { ...live, ended: true, segments: [segment(4), segment(5, { duration: 1.23457 })] },
    ],
    [
      'is the whole broadcast on demand',
      'on-demand',
      {
        ...live,
        mediaSequence: 0,
        ended: true,
        onDemand: true,
        segments: [segment(0), segment(1), segment(2, { discontinuity: true, map: 'init-2.mp4' })],
      },
    ],
  ];
  test.each(cases)('%s', (_sentence, golden, playlist) => {
    const text = renderMediaPlaylist(playlist);
    expectGolden(text, golden);
    expect(parseMedia(text).segments).toHaveLength(playlist.segments.length);
  });
});

describe('a media playlist in parts', () => {
  const parts = (msn: number, count: number) =>
    Array.from({ length: count }, (_, index) => ({ uri: `p${msn * 4 + index}.m4s`, duration: 0.5, independent: index === 0 }));
  const segments = [
    ...Array.from({ length: 8 }, (_, index) => segment(4 + index)),
    segment(12, { parts: parts(12, 4) }),
    segment(13, { duration: 1, parts: parts(13, 2) }),
    segment(14, { discontinuity: true, map: 'init-2.mp4', duration: null, parts: parts(14, 2) }),
  ];
  const playlist: MediaPlaylist = {
    ...live,
    segments,
    lowLatency: {
      constants: lowLatencyConstants(0.512, 2),
      hint: 'p58.m4s',
      reports: [
        { uri: '../480p/index.m3u8', lastMsn: 14, lastPart: 1 },
        { uri: '../audio/index.m3u8', lastMsn: 13, lastPart: null },
      ],
    },
  };
  const skipped = skippableSegments(segments, 12);

  test('has its constants in front and its hint and reports behind', () => {
    const text = renderMediaPlaylist(playlist);
    expectGolden(text, 'low-latency');
    expect(parseMedia(text).segments).toHaveLength(segments.length - 1);
  });

  test('leaves out what is before the skip boundary in a delta update, and nothing else', () => {
    expectGolden(renderMediaPlaylist(playlist, skipped), 'low-latency-delta');
    expect(mergeDelta(renderMediaPlaylist(playlist), renderMediaPlaylist(playlist, skipped))).toBe(renderMediaPlaylist(playlist));
  });

  test('skips no segment that ends within the skip boundary', () => {
    expect(skipped).toBe(4);
    expect(skippableSegments(segments.slice(0, 6), 12)).toBe(0);
    expect(skippableSegments([], 12)).toBe(0);
  });

  test('that has ended keeps its constants and has no hint', () => {
    const ended = renderMediaPlaylist({
      ...playlist,
      ended: true,
      segments: segments.slice(0, 9),
      lowLatency: { ...playlist.lowLatency!, hint: null, reports: [] },
    });
    expect(ended).toContain('#EXT-X-PART-INF:PART-TARGET=0.51200\n');
    expect(ended.endsWith('#EXT-X-ENDLIST\n')).toBe(true);
  });
});

describe('the live window', () => {
  const of = (...durations: number[]): { duration: number }[] => durations.map((duration) => ({ duration }));
  test.each([
    ['a young broadcast is listed from its first segment', of(2, 2, 2), 0],
    ['half a minute stays listed', of(...Array<number>(20).fill(2)), 5],
    ['six segments stay listed, however long they are', of(...Array<number>(8).fill(10)), 2],
    ['short segments count by their time', of(...Array<number>(40).fill(1)), 10],
    ['nothing is listed of nothing', of(), 0],
  ])('%s', (_sentence, segments, start) => {
    expect(liveWindowStart(segments)).toBe(start);
  });
});
