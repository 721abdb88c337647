import { describe, expect, it } from 'vitest';
import { GopMeter } from '../../ingest/source/gop-meter.js';
import type { VideoPacket } from '../../ingest/rtmp/media-packet.js';

/** Sets of 640x360 pictures, as x264 writes them; the second byte is the profile. */
const SPS = Buffer.from('67640c1eacd940a02ff9610000030001000003003c8f162d96', 'hex');
const BASELINE = Buffer.from('6742c01ed900a02ff970110000030001000003003c0f162e48', 'hex');
const MAIN = Buffer.from('674d401eeca05017fcb80880000003008000001e078b16cb', 'hex');
const withProfile = (profile: number): Buffer => Buffer.concat([SPS.subarray(0, 1), Buffer.from([profile]), SPS.subarray(2)]);
const avcC = (sps: Buffer): Buffer =>
  Buffer.concat([Buffer.from([1, sps[1]!, sps[2]!, sps[3]!, 0xff, 0xe1, 0, sps.length]), sps, Buffer.from([1, 0, 0])]);
/** One NAL unit behind its length, after one of supplemental information. */
const picture = (nalType: number): Buffer => Buffer.from([0, 0, 0, 2, 6, 0, 0, 0, 0, 3, 0x60 | nalType, 1, 2]);
const IDR = 5;
const OTHER = 1;

const packet = (kind: VideoPacket['kind'], body: Buffer): VideoPacket => ({ track: 'video', kind, codec: 'h264', compositionMs: 0, body });
const CONFIG = packet('config', avcC(SPS));
const KEY = packet('keyframe', picture(IDR));
const FRAME = packet('frame', picture(OTHER));
const timeOf = (frame: number, rate = 30): number => 1000 + Math.round((frame * 1000) / rate);

/** Feeds frames until one ends the copies; `frames` tells keyframes by their numbers. */
function feed(meter: GopMeter, keyframes: readonly number[], count: number, frameRateFrom = 4): number | null {
  for (let frame = 0; frame < count; frame++) {
    const isKey = keyframes.includes(frame);
    if (meter.add(isKey ? KEY : FRAME, timeOf(frame), frame < frameRateFrom ? null : 30)) return frame;
  }
  return null;
}
const fresh = (): GopMeter => {
  const meter = new GopMeter();
  expect(meter.add(CONFIG, 0, null)).toBe(false);
  return meter;
};

describe('the GOP meter', () => {
  it('measures the first GOP when it is whole', () => {
    const meter = fresh();
    expect(meter.gop).toBeNull();
    feed(meter, [0], 10);
    expect(meter.gop).toMatchObject({ frames: 0, seconds: 0, openSeconds: 0.3, obstacle: null });
    const other = fresh();
    feed(other, [0, 60, 120], 130);
    expect(other.gop).toMatchObject({ frames: 60, seconds: 2, obstacle: null, bitrate: (60 * 13 * 8) / 2 });
  });

  it.each<[string, number[], number | null]>([
    ['goes on while keyframes come regularly', [0, 30, 60, 90], null],
    ['ends copies with the frame that should have been a keyframe', [0, 30, 60], 90],
    ['ends them with a keyframe that is too early', [0, 30, 50], 50],
  ])('%s', (_name, keyframes, ended) => {
    const meter = fresh();
    expect(feed(meter, keyframes, 100)).toBe(ended);
    expect(meter.gop!.obstacle).toBe(ended === null ? null : 'irregular_gop');
  });

  it('ends them once', () => {
    const meter = fresh();
    feed(meter, [0, 30], 100);
    expect(meter.add(FRAME, timeOf(100), 30)).toBe(false);
  });

  it('ends them before other headers; the same again change nothing', () => {
    const meter = fresh();
    feed(meter, [0, 30], 40);
    expect(meter.add(packet('config', Buffer.from(CONFIG.body)), timeOf(40), 30)).toBe(false);
    expect(meter.add(packet('config', avcC(MAIN)), timeOf(40), 30)).toBe(true);
    expect(meter.gop!.obstacle).toBe('headers_changed');
  });

  it.each<[string, number]>([
    ['a frame that is missing', 33],
    ['a frame that is late', 12],
    ['a frame that is early', -12],
  ])('ends them with %s', (_name, byMs) => {
    const meter = fresh();
    feed(meter, [0], 20);
    expect(meter.add(FRAME, timeOf(20) + byMs, 30)).toBe(true);
    expect(meter.gop!.obstacle).toBe('frame_times');
  });

  it('looks back at the frames that came before the frame rate was known', () => {
    const meter = fresh();
    for (const time of [0, 33, 90, 100]) expect(meter.add(time === 0 ? KEY : FRAME, 1000 + time, null)).toBe(false);
    expect(meter.add(FRAME, 1133, 30)).toBe(true);
  });

  it('takes the times of 29.97 frames a second, and of an encoder that rounds them down', () => {
    const meter = fresh();
    for (let frame = 0; frame < 200; frame++) {
      const time = Math.floor((frame * 1001) / 30);
      expect(meter.add(frame % 60 === 0 ? KEY : FRAME, time, 30000 / 1001)).toBe(false);
    }
    expect(meter.gop).toMatchObject({ frames: 60, seconds: 2.002, obstacle: null });
  });

  it('knows keyframes that are no IDR pictures, pictures without headers and codecs that are not H.264', () => {
    const open = fresh();
    expect(open.add(packet('keyframe', picture(OTHER)), 0, null)).toBe(true);
    expect(open.gop!.obstacle).toBe('open_gop');
    const bare = new GopMeter();
    expect(bare.add(KEY, 0, null)).toBe(true);
    const hevc = new GopMeter();
    expect(hevc.add({ ...KEY, codec: 'hevc' }, 0, null)).toBe(true);
    expect(hevc.gop!.obstacle).toBe('not_h264');
  });

  it.each([
    ['baseline', BASELINE, null],
    ['main', MAIN, null],
    ['high', SPS, null],
    ['high 10', withProfile(110), 'profile'],
    ['high 4:2:2', withProfile(122), 'profile'],
    ['high 4:4:4', withProfile(244), 'profile'],
  ])('%s profile', (_name, sps, obstacle) => {
    const meter = new GopMeter();
    meter.add(packet('config', avcC(sps)), 0, null);
    meter.add(KEY, 0, null);
    expect(meter.gop!.obstacle).toBe(obstacle);
  });

  it.each([[Buffer.alloc(0)], [Buffer.from([1, 100, 0])], [Buffer.from('0164001effe1ffff67', 'hex')]])(
    'is not thrown off by headers %j',
    (bytes) => {
      const meter = new GopMeter();
      expect(meter.add(packet('config', bytes), 0, null)).toBe(true);
      expect(meter.add(packet('keyframe', Buffer.from([255, 255])), 0, null)).toBe(false);
    },
  );
});
