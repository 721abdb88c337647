import { afterEach, describe, expect, it } from 'vitest';
import type { AudioSource, SourceLayout, VideoSource } from '../../domain/source.js';
import { until } from '../support/until.js';
import { decodeRelay, nextStart, publish, type Source, startTestIngest, statusOf, type TestIngest } from './support.js';

let ingest: TestIngest;
afterEach(async () => ingest.close());

const KEY = 'sk_the_only_key';
const SECONDS = 2;

const PICTURE: VideoSource = { codec: 'h264', width: 320, height: 180, frameRate: 30 };
const SOUND: AudioSource = { codec: 'aac', sampleRate: 48000, channels: 2 };
const x264 = (...more: string[]): string[] => ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '30', '-pix_fmt', 'yuv420p', ...more];

interface Shape {
  name: string;
  source: Source;
  layout: SourceLayout;
}

const SHAPES: Shape[] = [
  { name: 'picture and sound', source: {}, layout: { video: PICTURE, audio: SOUND } },
  { name: 'audio only', source: { video: null }, layout: { video: null, audio: SOUND } },
  { name: 'video only', source: { audio: null }, layout: { video: PICTURE, audio: null } },
  {
    name: '44.1 kHz mono',
    source: { sampleRate: 44100, channels: 1 },
    layout: { video: PICTURE, audio: { ...SOUND, sampleRate: 44100, channels: 1 } },
  },
  { name: 'portrait', source: { size: '180x320' }, layout: { video: { ...PICTURE, width: 180, height: 320 }, audio: SOUND } },
  { name: '60 frames a second', source: { fps: '60' }, layout: { video: { ...PICTURE, frameRate: 60 }, audio: SOUND } },
  { name: '29.97 frames a second', source: { fps: '30000/1001' }, layout: { video: { ...PICTURE, frameRate: 29.97 }, audio: SOUND } },
  { name: '25 frames a second', source: { fps: '25' }, layout: { video: { ...PICTURE, frameRate: 25 }, audio: SOUND } },
  {
    name: '853x479, cropped out of whole macroblocks',
    source: { pattern: 'testsrc', size: '853x479', video: x264('-pix_fmt', 'yuv444p') },
    layout: { video: { ...PICTURE, width: 853, height: 479 }, audio: SOUND },
  },
  { name: 'B-frames', source: { video: x264('-bf', '3', '-b_strategy', '0') }, layout: { video: PICTURE, audio: SOUND } },
  {
    name: 'HEVC over enhanced RTMP',
    source: { video: ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error:keyint=30'] },
    layout: { video: { ...PICTURE, codec: 'hevc' }, audio: SOUND },
  },
  {
    name: 'AV1 over enhanced RTMP',
    source: { size: '160x90', video: ['-c:v', 'libsvtav1', '-preset', '12', '-g', '30', '-svtav1-params', 'pred-struct=1'] },
    layout: { video: { codec: 'av1', width: 160, height: 90, frameRate: 30 }, audio: SOUND },
  },
  {
    name: 'VP9 over enhanced RTMP',
    source: { size: '160x90', video: ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-lag-in-frames', '0', '-g', '30'] },
    layout: { video: { codec: 'vp9', width: 160, height: 90, frameRate: 30 }, audio: SOUND },
  },
  {
    name: 'MP3 sound',
    source: { audio: ['-c:a', 'libmp3lame'], sampleRate: 44100 },
    layout: { video: PICTURE, audio: { codec: 'mp3', sampleRate: 44100, channels: 2 } },
  },
  { name: 'Opus sound', source: { audio: ['-c:a', 'libopus'] }, layout: { video: PICTURE, audio: { ...SOUND, codec: 'opus' } } },
  {
    name: 'FLAC sound',
    source: { audio: ['-c:a', 'flac'], sampleRate: 44100 },
    layout: { video: PICTURE, audio: { codec: 'flac', sampleRate: 44100, channels: 2 } },
  },
  { name: 'AC-3 sound', source: { audio: ['-c:a', 'ac3'] }, layout: { video: PICTURE, audio: { ...SOUND, codec: 'ac3' } } },
  { name: 'E-AC-3 sound', source: { audio: ['-c:a', 'eac3'] }, layout: { video: PICTURE, audio: { ...SOUND, codec: 'eac3' } } },
];

describe('what an encoder sends is described from its media, and every picture of it is relayed', () => {
  it.each(SHAPES)('$name', async ({ source, layout }) => {
    ingest = await startTestIngest({ [KEY]: 'str_1' });
    const encoder = publish(ingest.rtmpUrl(KEY), { seconds: SECONDS, ...source });
    const started = await nextStart(ingest);
    expect(started).toMatchObject({ streamId: 'str_1', publishSeq: 1, hostId: 'test-host' });
    expect(started.source).toEqual(layout);

    const decoded = await decodeRelay(ingest, started.publishId);
    expect(decoded.complaints).toBe('');
    if (layout.video) {
      expect(decoded.video).toBe(Math.ceil(SECONDS * layout.video.frameRate));
      expect(Math.max(...decoded.videoSteps)).toBeLessThan(2 / layout.video.frameRate);
    } else expect(decoded.video).toBe(0);
    if (layout.audio) expect(decoded.audio).toBeGreaterThan(0);
    else expect(decoded.audio).toBe(0);

    expect(await encoder.exited, encoder.stderr()).toBe(0);
    await until(() => ingest.signals.stopped.length > 0, 'the workflow to be told');
    expect(ingest.signals.stopped).toMatchObject([{ publishId: started.publishId, publishSeq: 1, reason: 'closed' }]);
    await until(() => ingest.claims.released.length > 0, 'the stream to be free');
  });
});

describe('codecs that cannot be decoded are refused by name', () => {
  it.each([
    { name: 'Sorenson H.263', source: { video: ['-c:v', 'flv'] } },
    { name: 'Nellymoser', source: { audio: ['-c:a', 'nellymoser'], sampleRate: 44100, channels: 1 } },
  ])('$name', async ({ name, source }) => {
    ingest = await startTestIngest({ [KEY]: 'str_1' });
    const encoder = publish(ingest.rtmpUrl(KEY), { seconds: 20, ...source });
    expect(await encoder.exited).not.toBe(0);
    expect(encoder.stderr()).toContain(name);
    expect(ingest.logged.join('')).toContain('publish_unsupported_codec');
    expect(ingest.signals.started).toEqual([]);
    await until(() => ingest.claims.released.length > 0, 'the stream to be free');
  });
});

describe('the relay', () => {
  it('begins in mid-stream with a keyframe, and ends when the publisher is gone', async () => {
    ingest = await startTestIngest({ [KEY]: 'str_1' }, { cacheMs: 500 });
    const encoder = publish(ingest.rtmpUrl(KEY), { seconds: 5 });
    const { publishId } = await nextStart(ingest);
    await until(async () => ((await statusOf(ingest, publishId))?.bytesIn ?? 0) > 150_000, 'the stream to be in its middle');
    const [cached, next] = await Promise.all([decodeRelay(ingest, publishId), decodeRelay(ingest, publishId, 'keyframe')]);
    for (const decoded of [cached, next]) {
      expect(decoded.complaints).toBe('');
      expect(decoded.video).toBeGreaterThan(0);
      expect(decoded.video).toBeLessThan(5 * 30);
      // One keyframe a second: whoever begins with one has a whole number of seconds before the end.
      expect(decoded.video % 30).toBe(0);
    }
    expect(cached.video).toBeGreaterThanOrEqual(next.video);
    await encoder.exited;
    expect((await ingest.get(`/relay/${publishId}.flv`)).status).toBe(404);
    expect(await statusOf(ingest, publishId)).toBeNull();
  });
});
