import { describe, expect, it } from 'vitest';
import { expendableRendition, pickLadder, type VideoRendition } from '../../domain/ladder.js';
import type { AudioSource, VideoSource } from '../../domain/source.js';

const AUDIO: AudioSource = { codec: 'aac', sampleRate: 44100, channels: 1 };
const video = (width: number, height: number, frameRate = 30): VideoSource => ({ codec: 'h264', width, height, frameRate });
const rungs = (source: VideoSource, custom: Parameters<typeof pickLadder>[1] = null) =>
  pickLadder({ video: source, audio: AUDIO }, custom).renditions.filter(
    (rendition): rendition is VideoRendition => rendition.kind === 'video',
  );
const shape = (source: VideoSource, custom: Parameters<typeof pickLadder>[1] = null) =>
  rungs(source, custom).map(({ id, width, height, frameRate }) => `${id} ${width}x${height}@${Number(frameRate.toFixed(2))}`);

describe('the default ladder', () => {
  it.each([
    ['1080p', video(1920, 1080), ['1080p 1920x1080@30', '720p 1280x720@30', '480p 854x480@30', '240p 426x240@30']],
    ['720p', video(1280, 720), ['720p 1280x720@30', '480p 854x480@30', '240p 426x240@30']],
    ['480p of odd width', video(853, 479), ['479p 854x480@30', '360p 642x360@30', '240p 428x240@30']],
    ['portrait', video(720, 1280), ['720p 720x1280@30', '480p 480x854@30', '240p 240x426@30']],
    ['a tiny picture', video(160, 120), ['120p 160x120@30']],
    ['900p, between two rungs', video(1600, 900), ['900p 1600x900@30', '480p 854x480@30', '360p 640x360@30', '240p 426x240@30']],
    ['4K', video(3840, 2160), ['1080p 1920x1080@30', '720p 1280x720@30', '480p 854x480@30', '240p 426x240@30']],
    ['720p60: small rungs at half rate', video(1280, 720, 60), ['720p 1280x720@60', '480p 854x480@30', '240p 426x240@30']],
    ['NTSC 59.94', video(1280, 720, 60000 / 1001), ['720p 1280x720@59.94', '480p 854x480@29.97', '240p 426x240@29.97']],
  ])('for %s', (_name, source, expected) => {
    expect(shape(source)).toEqual(expected);
  });

  it('is never larger than the source (beyond the even sides 4:2:0 needs)', () => {
    for (const [width, height] of [
      [1920, 1080],
      [1281, 721],
      [640, 360],
      [853, 479],
      [333, 999],
    ] as const) {
      for (const rung of rungs(video(width, height))) {
        expect(rung.width).toBeLessThanOrEqual(width + 1);
        expect(rung.height).toBeLessThanOrEqual(height + 1);
        expect([rung.width % 2, rung.height % 2]).toEqual([0, 0]);
      }
    }
  });

  it('has audio exactly when the source has', () => {
    const source = { video: video(1280, 720), audio: null };
    expect(pickLadder(source, null).renditions.some((rendition) => rendition.kind === 'audio')).toBe(false);
    expect(pickLadder({ video: null, audio: AUDIO }, null).renditions.map((rendition) => rendition.id)).toEqual(['audio']);
  });
});

describe('a custom ladder', () => {
  it('keeps its rungs, largest first, without those above the source', () => {
    const custom = [
      { height: 240, bitrate: 300_000 },
      { height: 1080, bitrate: 6_000_000 },
      { height: 720, bitrate: 2_500_000 },
    ];
    expect(shape(video(1280, 720), custom)).toEqual(['720p 1280x720@30', '240p 426x240@30']);
  });

  it('above the source in every rung leaves the source itself', () => {
    expect(shape(video(640, 360), [{ height: 1080, bitrate: 6_000_000 }])).toEqual(['360p 640x360@30']);
  });
});

describe('a rate given as 29.97 or 59.94', () => {
  it('is the NTSC rate, so that a GOP lasts exactly 2.002 s', () => {
    for (const rate of [29.97, 59.94, 23.976])
      expect(pickLadder({ video: video(640, 360, rate), audio: null }, null).gopSeconds).toBeCloseTo(2.002, 9);
  });
});

describe('the first GOP', () => {
  it.each([
    [30, 0.4],
    [60, 0.4],
    [25, 0.4],
    [24, 10 / 24],
    [30000 / 1001, 0.4004],
    [60000 / 1001, 0.4004],
    [5, 0.4],
    [1, 1],
  ])('at %f fps lasts %f s, whole frames in every rung', (frameRate, seconds) => {
    const plan = pickLadder({ video: video(1280, 720, frameRate), audio: AUDIO }, null);
    expect(plan.firstGopSeconds).toBeCloseTo(seconds, 9);
    for (const rung of rungs(video(1280, 720, frameRate))) expect((rung.frameRate * seconds) % 1).toBeLessThan(1e-6);
  });

  it('suits the slowest rung, and is left out where it would be long', () => {
    const custom = (fps: number) => [
      { height: 480, bitrate: 1_000_000 },
      { height: 240, bitrate: 300_000, fps },
    ];
    const first = (fps: number) => pickLadder({ video: video(854, 480, 30), audio: null }, custom(fps)).firstGopSeconds;
    expect([first(10), first(1), first(0.5)]).toEqual([0.4, 1, undefined]);
  });

  it('of sound alone is the usual one', () => {
    expect(pickLadder({ video: null, audio: AUDIO }, null).firstGopSeconds).toBe(0.4);
  });
});

describe('a host that is too slow', () => {
  const source = { video: video(1280, 720), audio: AUDIO };
  const ids = (without: string[]): string[] => pickLadder(source, null, without).renditions.map(({ id }) => id);

  it('does without the largest picture, then the next, never without the last', () => {
    const dropped: string[] = [];
    const steps = Array.from({ length: 4 }, () => {
      const renditions = pickLadder(source, null, dropped).renditions;
      const next = expendableRendition(renditions);
      if (next) dropped.push(next.id);
      return [renditions.map(({ id }) => id).join(' '), next?.id ?? null];
    });
    expect(steps).toEqual([
      ['720p 480p 240p audio', '720p'],
      ['480p 240p audio', '480p'],
      ['240p audio', null],
      ['240p audio', null],
    ]);
  });

  it('keeps the smallest picture whatever it is to leave out, and cuts as before', () => {
    expect(ids(['720p', '480p', '240p', 'audio'])).toEqual(['240p', 'audio']);
    expect(pickLadder(source, null, ['720p'])).toMatchObject({ gopSeconds: 2, firstGopSeconds: 0.4 });
  });

  it('has nothing to leave out of sound alone', () => {
    expect(expendableRendition(pickLadder({ video: null, audio: AUDIO }, null).renditions)).toBeNull();
  });
});

describe('cuts', () => {
  it.each([24, 25, 30000 / 1001, 30, 48, 50, 60000 / 1001, 60, 15, 12.5, 7])('fall on a frame of every rung at %f fps', (frameRate) => {
    const custom = [
      { height: 480, bitrate: 1_000_000 },
      { height: 360, bitrate: 600_000, fps: 15 },
      { height: 240, bitrate: 300_000, fps: 10 },
    ];
    const { gopSeconds } = pickLadder({ video: video(854, 480, frameRate), audio: null }, custom);
    for (const rung of rungs(video(854, 480, frameRate), custom)) {
      const frames = rung.frameRate * gopSeconds;
      expect(Math.abs(frames - Math.round(frames))).toBeLessThan(1e-6);
      expect(rung.frameRate).toBeLessThanOrEqual(frameRate + 1e-9);
    }
  });
});
