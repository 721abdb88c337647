import { describe, expect, it } from 'vitest';
import { pickLadder } from '../../domain/ladder.js';
import type { SourceLayout } from '../../domain/source.js';
import { frameRateArgument } from '../../media/ffmpeg/frame-rate.js';
import { ladderArguments } from '../../media/ffmpeg/ladder-command.js';

const both: SourceLayout = {
  video: { codec: 'h264', width: 1280, height: 720, frameRate: 60000 / 1001 },
  audio: { codec: 'aac', sampleRate: 44100, channels: 1 },
};
const MAX_PIXELS = 1920 * 1088;
const argumentsFor = (source: SourceLayout, resumeAt: number | null = null): string[] => {
  const plan = pickLadder(source, null);
  const sockets = Object.fromEntries(plan.renditions.map(({ id }) => [id, `/run/o/${id}.sock`]));
  return ladderArguments({
    inputUrl: 'http://127.0.0.1:1/relay/x.flv',
    source,
    plan,
    sockets,
    encoder: { name: 'libx264', preset: 'veryfast' },
    resumeAt,
    maxPixels: MAX_PIXELS,
  });
};
const valuesOf = (args: string[], option: string): string[] => args.filter((_argument, index) => args[index - 1] === option);

describe('frame rates', () => {
  it.each([
    [30, '30'],
    [25, '25'],
    [60, '60'],
    [30000 / 1001, '30000/1001'],
    [24000 / 1001, '24000/1001'],
    [60000 / 1001, '60000/1001'],
    [12.5, '12500/1000'],
  ])('%f is written %s', (rate, expected) => {
    expect(frameRateArgument(rate)).toBe(expected);
  });
});

describe('the ladder command', () => {
  it('decodes once and writes each rendition to its socket', () => {
    const args = argumentsFor(both);
    expect(valuesOf(args, '-i')).toEqual(['http://127.0.0.1:1/relay/x.flv']);
    expect(args.filter((argument) => argument.startsWith('unix:'))).toEqual(
      ['720p', '480p', '240p', 'audio'].map((id) => `unix:/run/o/${id}.sock`),
    );
  });

  it('gives every rendition the same GOP in seconds, at its own rate', () => {
    const args = argumentsFor(both);
    expect(valuesOf(args, '-r')).toEqual(['60000/1001', '30000/1001', '30000/1001']);
    expect(valuesOf(args, '-g')).toEqual(['120', '60', '60']);
    expect(valuesOf(args, '-c:v')).toEqual(['libx264', 'libx264', 'libx264']);
  });

  it('forces the second keyframe early and the third where the GOP wants it, at every rate', () => {
    expect(valuesOf(argumentsFor(both), '-force_key_frames')).toEqual([
      'expr:eq(n,24)+eq(n,120)',
      'expr:eq(n,12)+eq(n,60)',
      'expr:eq(n,12)+eq(n,60)',
    ]);
  });

  it('maps no video for an audio-only source, and no audio for a video-only one', () => {
    expect(argumentsFor({ video: null, audio: both.audio }).join(' ')).not.toMatch(/\[v0\]|-c:v/);
    expect(argumentsFor({ video: both.video, audio: null }).join(' ')).not.toMatch(/0:a|-c:a/);
  });

  it('scales each rung from the next larger one, and a faster one from the source', () => {
    const rung = (height: number, frameRate: number) => ({
      id: `${height}p`,
      kind: 'video' as const,
      width: 2 * height,
      height,
      frameRate,
      bitrate: 1000,
    });
    const plan = { renditions: [rung(720, 60), rung(480, 30), rung(360, 60), rung(240, 30)], gopSeconds: 2 };
    const sockets = Object.fromEntries(plan.renditions.map(({ id }) => [id, `/run/${id}`]));
    const source = { video: { codec: 'h264' as const, width: 1440, height: 720, frameRate: 60 }, audio: null };
    const args = ladderArguments({
      inputUrl: 'x',
      source,
      plan,
      sockets,
      encoder: { name: 'libx264', preset: 'veryfast' },
      resumeAt: null,
      maxPixels: MAX_PIXELS,
    });
    expect(valuesOf(args, '-filter_complex')[0]!.split(';')).toEqual([
      '[0:v:0]split=1[s0]',
      '[s0]scale=1440:720:flags=bicubic,setsar=1,split=3[e0][s1][s2]',
      '[e0]format=yuv420p[v0]',
      '[s1]fps=30:round=near,scale=960:480:flags=bicubic,setsar=1,format=yuv420p[v1]',
      '[s2]scale=720:360:flags=bicubic,setsar=1,split=2[e2][s3]',
      '[e2]format=yuv420p[v2]',
      '[s3]fps=30:round=near,scale=480:240:flags=bicubic,setsar=1,format=yuv420p[v3]',
    ]);
  });

  it('copies the source beside rungs that have their keyframes where the source has them, among the frames they keep', () => {
    const plan = pickLadder(both, null);
    const [top, ...others] = plan.renditions;
    const renditions = [{ ...top!, kind: 'video' as const, copied: true as const }, ...others] as typeof plan.renditions;
    const sockets = Object.fromEntries(plan.renditions.map(({ id }) => [id, `/run/${id}`]));
    const encoder = { name: 'libx264', preset: 'veryfast' } as const;
    const args = ladderArguments({
      inputUrl: 'x',
      source: both,
      plan: { ...plan, renditions },
      sockets,
      encoder,
      resumeAt: null,
      maxPixels: MAX_PIXELS,
    });
    expect(valuesOf(args, '-map')).toEqual(['0:v:0', '[v0]', '[v1]', '0:a:0']);
    expect(valuesOf(args, '-c:v')).toEqual(['copy', 'libx264', 'libx264']);
    expect(valuesOf(args, '-force_key_frames')).toEqual(['source', 'source']);
    expect(valuesOf(args, '-g')).toEqual(['240', '240']);
    expect(valuesOf(args, '-filter_complex')[0]).toMatch(/^\[0:v:0\]split=1\[s0\];\[s0\]select=not\(mod\(n\\,2\)\),scale=854:480/);
    const alone = ladderArguments({
      inputUrl: 'x',
      source: both,
      plan: { ...plan, renditions: renditions.slice(0, 1) },
      sockets,
      encoder,
      resumeAt: null,
      maxPixels: MAX_PIXELS,
    });
    expect(alone).not.toContain('-filter_complex');
  });

  it('goes on where the encoder before it has ended: what came before is decoded, not shown', () => {
    const args = argumentsFor(both, 12.345);
    expect(args).toContain('-copyts');
    expect(valuesOf(args, '-filter_complex')[0]).toMatch(/^\[0:v:0\]trim=start=12\.345,setpts=PTS-STARTPTS,split=/);
    expect(valuesOf(args, '-af')).toEqual(['atrim=start=12.345,asetpts=PTS-STARTPTS,aresample=async=1:first_pts=0']);
    expect(argumentsFor(both)).not.toContain('-copyts');
  });

  it('decodes no picture larger than an encoder may send', () => {
    const args = argumentsFor(both);
    expect(valuesOf(args.slice(0, args.indexOf('-i')), '-max_pixels')).toEqual([String(MAX_PIXELS)]);
  });

  it('fails when the origin opened no socket for a rendition', () => {
    const plan = pickLadder(both, null);
    const command = {
      inputUrl: 'x',
      source: both,
      plan,
      sockets: {},
      encoder: { name: 'libx264', preset: 'veryfast' } as const,
      resumeAt: null,
      maxPixels: MAX_PIXELS,
    };
    expect(() => ladderArguments(command)).toThrow(/no socket for rendition/);
  });
});
