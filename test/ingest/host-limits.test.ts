import { afterEach, describe, expect, it } from 'vitest';
import { hostRoom, type HostState } from '../../ingest/publish/host-room.js';
import { BitrateLimit, checkSource } from '../../ingest/source/source-limits.js';
import { until } from '../support/until.js';
import { nextStart, publish, startTestIngest, type TestIngest } from './support.js';

const FULL_HD = { maxLongSide: 1920, maxShortSide: 1080, maxFrameRate: 60, maxBitrate: 10_000_000 };
const video = (width: number, height: number, frameRate: number) => ({
  video: { codec: 'h264' as const, width, height, frameRate },
  audio: null,
});

describe('the room of a host', () => {
  it.each<[string, Partial<HostState>, ReturnType<typeof hostRoom>]>([
    ['is what it may carry', {}, { streams: 16, refusal: 'host_full' }],
    ['is none while it drains', { draining: true }, { streams: 0, refusal: 'host_draining' }],
    ['is none while its disk is full', { diskFull: true }, { streams: 0, refusal: 'disk_full' }],
    [
      'is none when it drains with a full disk: another host has to be found',
      { draining: true, diskFull: true },
      { streams: 0, refusal: 'host_draining' },
    ],
  ])('%s', (_name, changes, room) => {
    expect(hostRoom({ maxStreams: 16, draining: false, diskFull: false, ...changes })).toEqual(room);
  });
});

describe('a source', () => {
  it.each([
    ['of the largest size', 1920, 1080, 60],
    ['that is upright', 1080, 1920, 60],
    ['measured a little above its rate', 1280, 720, 60.8],
  ])('%s is taken', (_name, width, height, frameRate) => {
    expect(() => checkSource(video(width, height, frameRate), FULL_HD)).not.toThrow();
  });

  it.each([
    ['too wide', 1922, 1080, 30, '1922x1080; the largest is 1920x1080'],
    ['too large both ways', 1200, 1920, 30, '1200x1920'],
    ['too fast', 640, 360, 120, '120 frames per second; the most are 60'],
  ])('%s is named', (_name, width, height, frameRate, words) => {
    expect(() => checkSource(video(width, height, frameRate), FULL_HD)).toThrow(words);
  });

  it('without a picture has no size', () => {
    expect(() => checkSource({ video: null, audio: { codec: 'aac', sampleRate: 48_000, channels: 2 } }, FULL_HD)).not.toThrow();
  });
});

describe('a bit rate limit of 8 Mbit/s', () => {
  const send = (mbitPerSecond: number, seconds: number): BitrateLimit => {
    const limit = new BitrateLimit(8_000_000, 0);
    for (let second = 1; second <= seconds; second += 1) limit.add((mbitPerSecond * 1_000_000) / 8, second * 1000);
    return limit;
  };

  it.each([
    [8, 3600],
    [9, 200],
    [40, 7],
  ])('lets %d Mbit/s pass for %d s', (rate, seconds) => {
    expect(() => send(rate, seconds)).not.toThrow();
  });

  it.each([
    [9, 300],
    [16, 32],
    [400, 2],
  ])('refuses %d Mbit/s within %d s', (rate, seconds) => {
    expect(() => send(rate, seconds)).toThrow('more than 8 Mbit/s');
  });

  it('lets what came together after a gap pass', () => {
    expect(() => send(8, 60).add(20_000_000, 60_000)).not.toThrow();
  });
});

describe('an encoder', () => {
  let ingest: TestIngest;
  afterEach(async () => ingest.close());
  const STREAMS = { sk_1: 'str_1', sk_2: 'str_2', sk_3: 'str_3' };

  it.each([
    ['a picture too large', { maxLongSide: 300 }, 'a picture of 320x180; the largest is 300x'],
    ['too many frames', { maxFrameRate: 24 }, '30 frames per second; the most are 24'],
    ['too many bits', { maxBitrate: 1000 }, 'more than 0.001 Mbit/s'],
  ])('that sends %s hears so, and so does its stream; no broadcast begins', async (_name, limits, words) => {
    ingest = await startTestIngest(STREAMS, limits);
    const encoder = publish(ingest.rtmpUrl('sk_1'), { seconds: 30 });
    expect(await encoder.exited).not.toBe(0);
    expect(encoder.stderr()).toContain(words);
    expect(ingest.signals).toMatchObject({ started: [], stopped: [], refused: [{ code: 'publish_over_limit' }] });
    await until(() => ingest.claims.held.size === 0, 'its claim to be given back');
  });

  it('one too many hears that the host is full, once in its timeline; those that are there lose nothing and may come back', async () => {
    ingest = await startTestIngest(STREAMS, { maxStreams: 1 });
    const first = publish(ingest.rtmpUrl('sk_1'), { seconds: 60 });
    await nextStart(ingest);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const second = publish(ingest.rtmpUrl('sk_2'), { seconds: 20 });
      expect(await second.exited).not.toBe(0);
      expect(second.stderr()).toContain('This media host is full');
    }
    expect(ingest.signals.refused).toMatchObject([{ code: 'host_full' }]);
    expect(ingest.signals.stopped).toEqual([]);
    first.child.kill('SIGKILL');
    await first.exited;
    await until(() => ingest.claims.held.size === 0, 'the place to be free');
    const third = publish(ingest.rtmpUrl('sk_2'), { seconds: 60 });
    await nextStart(ingest, 2);
    third.child.kill('SIGKILL');
    await third.exited;
  });

  it.each([
    ['draining', 'This media host is going away', () => ingest.drain()],
    ['on a full disk', 'The disk of this media host is nearly full', () => void (ingest.disk.full = true)],
  ])('that is new to a host %s is refused with the reason, one whose broadcast is there is taken', async (_name, words, turn) => {
    ingest = await startTestIngest(STREAMS);
    ingest.claims.open.add('str_2');
    turn();
    const stranger = publish(ingest.rtmpUrl('sk_1'), { seconds: 20 });
    expect(await stranger.exited).not.toBe(0);
    expect(stranger.stderr()).toContain(words);
    const known = publish(ingest.rtmpUrl('sk_2'), { seconds: 60 });
    expect(await nextStart(ingest)).toMatchObject({ streamId: 'str_2' });
    known.child.kill('SIGKILL');
    await known.exited;
  });
});
