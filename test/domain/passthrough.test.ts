import { describe, expect, it } from 'vitest';
import { pickLadder, type CustomRung } from '../../domain/ladder.js';
import { judgePassthrough, type SourceGop } from '../../domain/passthrough.js';
import type { VideoCodec } from '../../domain/source.js';

interface Scene {
  size?: [number, number];
  frameRate?: number;
  codec?: VideoCodec;
  custom?: CustomRung[];
  gop?: Partial<SourceGop> | null;
}

/** 720p30 with a keyframe every two seconds, unless said otherwise. */
function judge({ size: [width, height] = [1280, 720], frameRate = 30, codec = 'h264', custom, gop = {} }: Scene) {
  const video = { codec, width, height, frameRate };
  const plan = pickLadder({ video, audio: null }, custom ?? null);
  const seen: SourceGop = { frames: 60, seconds: 60 / frameRate, openSeconds: 0, bitrate: 4_000_000, obstacle: null, ...gop };
  return judgePassthrough(video, plan, gop && seen);
}

describe('a source is copied', () => {
  it.each<[string, Scene, number | undefined]>([
    ['with a keyframe every 2 s', {}, undefined],
    ['with one every second: the first segment may end with it', { gop: { frames: 30, seconds: 1 } }, 1],
    ['with three GOPs to a segment', { gop: { frames: 20, seconds: 0.667 } }, 2 / 3],
    ['at 25 fps', { frameRate: 25, gop: { frames: 50, seconds: 2 } }, undefined],
    ['at 29.97 fps', { frameRate: 29.97, gop: { frames: 60, seconds: 2.002 } }, undefined],
    ['at 60 fps, where smaller rungs have half of them', { frameRate: 60, gop: { frames: 120, seconds: 2 } }, undefined],
    ['in portrait', { size: [720, 1280] }, undefined],
    ['between two rungs', { size: [1600, 900] }, undefined],
    [
      'with the rungs its owner chose',
      {
        custom: [
          { height: 720, bitrate: 2_500_000 },
          { height: 360, bitrate: 600_000 },
        ],
      },
      undefined,
    ],
  ])('%s', (_name, scene, firstGopSeconds) => {
    const judged = judge(scene);
    if (judged.verdict !== 'copy') throw new Error(JSON.stringify(judged));
    expect(judged.plan.firstGopSeconds).toEqual(firstGopSeconds === undefined ? undefined : expect.closeTo(firstGopSeconds, 6));
    const [top, ...others] = judged.plan.renditions;
    expect(top).toMatchObject({ copied: true, bitrate: 4_000_000 });
    expect(others.every((rendition) => !('copied' in rendition))).toBe(true);
  });

  it('with segments, and so all constants of the playlists, as the ladder would make them', () => {
    const video = { codec: 'h264', width: 1280, height: 720, frameRate: 29.97 } as const;
    const judged = judge({ frameRate: 29.97, gop: { frames: 30, seconds: 1.001 } });
    expect(judged).toMatchObject({ verdict: 'copy', plan: { gopSeconds: pickLadder({ video, audio: null }, null).gopSeconds } });
  });
});

describe('a source is encoded', () => {
  it.each<[string, Scene, string]>([
    ['HEVC', { codec: 'hevc' }, 'not_h264'],
    ['larger than the largest rung', { size: [3840, 2160] }, 'no_rung'],
    ['of odd size', { size: [853, 479] }, 'no_rung'],
    ['not a rung its owner chose', { custom: [{ height: 480, bitrate: 1_000_000 }] }, 'no_rung'],
    ['faster than its rung', { size: [640, 360], frameRate: 60 }, 'no_rung'],
    ['what the ingest found unfit', { gop: { obstacle: 'open_gop' } }, 'open_gop'],
    ['keyframes every 4 s', { gop: { frames: 120, seconds: 4 } }, 'gop_length'],
    ['keyframes every 1.5 s', { gop: { frames: 45, seconds: 1.5 } }, 'gop_length'],
    [
      'keyframes that a slower rung has not',
      {
        frameRate: 60,
        gop: { frames: 60, seconds: 1 },
        custom: [
          { height: 720, bitrate: 3_000_000 },
          { height: 360, bitrate: 600_000, fps: 7.5 },
        ],
      },
      'gop_length',
    ],
    ['keyframes every half second', { gop: { frames: 15, seconds: 0.5 } }, 'gop_length'],
    ['no second keyframe when one is due', { gop: { frames: 0, seconds: 0, openSeconds: 2.05 } }, 'gop_length'],
    ['frames that come slower than announced', { gop: { seconds: 2.1 } }, 'frame_times'],
    ['a rate far above that of its rung', { gop: { bitrate: 7_000_000 } }, 'bitrate'],
  ])('%s', (_name, scene, obstacle) => {
    expect(judge(scene)).toEqual({ verdict: 'encode', obstacle });
  });

  it('or waited for, while its first GOP is not whole', () => {
    expect(judge({ gop: null })).toEqual({ verdict: 'wait' });
    expect(judge({ gop: { frames: 0, seconds: 0, openSeconds: 1.9 } })).toEqual({ verdict: 'wait' });
  });
});
