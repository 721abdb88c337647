import { describe, expect, it } from 'vitest';
import { FLV_AUDIO, FLV_SCRIPT, FLV_VIDEO, flvHeader, flvTag, readTag, restampedTag, tagsOfFile } from '../../ingest/rtmp/flv.js';
import { isSlateName, readSlate, type Slate } from '../../ingest/programme/slate.js';
import { SlateLoop } from '../../ingest/programme/slate-loop.js';
import { startPace } from '../../ingest/programme/slate-pace.js';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const HEADER = hex('170000000001');
const KEYFRAME = hex('1701000000aa');
const FRAME = hex('2701000000bb');
/** AAC-LC, 44.1 kHz, stereo. */
const AAC_HEADER = hex('af001210');
const SILENCE = hex('af0121');

const fileOf = (...tags: Buffer[]): Buffer => Buffer.concat([flvHeader({ audio: true, video: true }), ...tags]);
const VIDEO_TAGS = [
  flvTag(FLV_VIDEO, 0, HEADER),
  flvTag(FLV_VIDEO, 0, KEYFRAME),
  ...[33, 67, 100].map((timeMs) => flvTag(FLV_VIDEO, timeMs, FRAME)),
];
const AUDIO_TAGS = [flvTag(FLV_AUDIO, 0, AAC_HEADER), flvTag(FLV_AUDIO, 0, SILENCE), flvTag(FLV_AUDIO, 23, SILENCE)];

const slateOf = (...tags: Buffer[]): Slate => {
  const slate = readSlate(fileOf(...tags));
  if (!slate) throw new Error('no slate');
  return slate;
};

describe('a slate', () => {
  it('is read with its headers, codecs and the length of its frames', () => {
    const slate = slateOf(flvTag(FLV_SCRIPT, 0, hex('02')), ...VIDEO_TAGS, ...AUDIO_TAGS);
    expect(slate.codecs).toEqual({ video: 'h264', audio: 'aac' });
    expect(slate.configs).toEqual({ video: HEADER, audio: AAC_HEADER });
    expect(slate.video?.frames.map(({ kind }) => kind)).toEqual(['keyframe', 'frame', 'frame', 'frame']);
    expect(slate.video?.stepMs).toBeCloseTo(100 / 3);
    expect(slate.audio?.stepMs).toBeCloseTo(1024 / 44.1);
  });

  it.each<[string, Buffer[]]>([
    ['nothing', []],
    ['no picture, only headers', VIDEO_TAGS.slice(0, 1)],
    ['pictures without a keyframe', [flvTag(FLV_VIDEO, 0, FRAME), flvTag(FLV_VIDEO, 33, FRAME)]],
    ['one picture, of unknown length', VIDEO_TAGS.slice(0, 2)],
  ])('is none with %s', (_name, tags) => {
    expect(readSlate(fileOf(...tags))).toBeNull();
  });

  it('that was cut off is used as far as it is whole', () => {
    const file = fileOf(...VIDEO_TAGS);
    expect(readSlate(file.subarray(0, file.length - 3))?.video?.frames).toHaveLength(3);
    expect(readSlate(file.subarray(0, 5))).toBeNull();
  });

  it.each([
    ['h264-1280x720-29.97-aac-48000-2', true],
    ['aac-44100-1', true],
    ['', false],
    ['..', false],
    ['a..b', false],
    ['a/b', false],
    ['.hidden', false],
    ['A', false],
    ['a'.repeat(101), false],
  ])('named %s: %s', (name, expected) => {
    expect(isSlateName(name)).toBe(expected);
  });
});

describe('a repeated slate', () => {
  const taken = (loop: SlateLoop, untilMs: number): string[] =>
    loop.take({ video: untilMs, audio: untilMs }).map(({ tag, timeMs }) => `${tag.kind === 'keyframe' ? 'K' : tag.track[0]}${timeMs}`);

  it('has no seam, and each frame once', () => {
    const loop = new SlateLoop(slateOf(...VIDEO_TAGS), { video: 1000, audio: 0 });
    expect(taken(loop, 1050)).toEqual(['K1000', 'v1033']);
    expect(taken(loop, 1050)).toEqual([]);
    expect(taken(loop, 1240)).toEqual(['v1067', 'v1100', 'K1133', 'v1167', 'v1200', 'v1233']);
  });

  it('begins each track where the one before it ended, and mixes them by time', () => {
    const loop = new SlateLoop(slateOf(...VIDEO_TAGS, ...AUDIO_TAGS), { video: 1000, audio: 980 });
    expect(taken(loop, 1040)).toEqual(['a980', 'K1000', 'a1003', 'a1026', 'v1033']);
  });

  it('gives out one track alone', () => {
    const loop = new SlateLoop(slateOf(...VIDEO_TAGS, ...AUDIO_TAGS), { video: 0, audio: 0 });
    expect(loop.take({ video: -Infinity, audio: 50 }).map(({ timeMs }) => timeMs)).toEqual([0, 23, 46]);
  });

  it('does not drift from the samples within an hour', () => {
    const loop = new SlateLoop(slateOf(...AUDIO_TAGS), { video: 0, audio: 0 });
    const hour = loop.take({ video: 0, audio: 3_600_000 });
    const samples = (hour.length - 1) * 1024;
    expect(hour.at(-1)?.timeMs).toBe(Math.round(samples / 44.1));
  });
});

describe('the pace of a slate', () => {
  it.each([
    ['goes on from the last media in real time', { edgeMs: 5000, edgeAt: 100, leadMs: 0, now: 100 }, 5000, 6000],
    ['makes good for the silence before', { edgeMs: 5000, edgeAt: 100, leadMs: 0, now: 8100 }, 13_000, 14_000],
    ['makes good for no more than 15 seconds', { edgeMs: 0, edgeAt: 0, leadMs: 0, now: 3_600_000 }, 15_000, 16_000],
    ['waits for what came too early', { edgeMs: 5000, edgeAt: 100, leadMs: 600, now: 100 }, 4400, 5400],
    ['waits for no more than two seconds', { edgeMs: 9000, edgeAt: 100, leadMs: 8000, now: 100 }, 7000, 8000],
  ])('%s', (_name, start, dueNow, dueASecondLater) => {
    const dueMs = startPace(start);
    expect([dueMs(start.now), dueMs(start.now + 1000)]).toEqual([dueNow, dueASecondLater]);
  });
});

describe('an FLV tag', () => {
  it('is copied to another time, beyond 24 bits too', () => {
    const tag = flvTag(FLV_VIDEO, 5, KEYFRAME);
    const later = restampedTag(tag, 0x1234567);
    expect(readTag(later)).toEqual({ type: FLV_VIDEO, timeMs: 0x1234567, payload: KEYFRAME });
    expect(readTag(tag).timeMs).toBe(5);
    expect(tagsOfFile(fileOf(tag, later))).toEqual([tag, later]);
  });
});
