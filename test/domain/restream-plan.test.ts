import { describe, expect, it } from 'vitest';
import { planRestream, restreamGoesOn, type RestreamFormat } from '../../domain/restream-plan.js';
import type { AudioSource, SourceLayout, VideoSource } from '../../domain/source.js';

const VIDEO: VideoSource = { codec: 'h264', width: 1280, height: 720, frameRate: 30 };
const AUDIO: AudioSource = { codec: 'aac', sampleRate: 48000, channels: 2 };
const SOURCE: SourceLayout = { video: VIDEO, audio: AUDIO };

describe('what a destination is sent', () => {
  it('is a copy of H.264 and AAC', () => {
    expect(planRestream(SOURCE, 'source', 'flv')).toEqual({ video: 'copy', audio: 'copy' });
  });

  it.each(['hevc', 'av1', 'vp9'] as const)('is H.264 of the same size when the source is %s', (codec) => {
    const plan = planRestream({ ...SOURCE, video: { ...VIDEO, codec } }, 'source', 'flv');
    expect(plan.video).toMatchObject({ encode: { width: 1280, height: 720, frameRate: 30 }, gopFrames: 60 });
  });

  it('is HEVC as it is over SRT', () => {
    expect(planRestream({ ...SOURCE, video: { ...VIDEO, codec: 'hevc' } }, 'source', 'mpegts').video).toBe('copy');
  });

  it.each<[number, SourceLayout['video'], number, number]>([
    [480, VIDEO, 854, 480],
    [720, VIDEO, 1280, 720],
    [1080, VIDEO, 1280, 720],
    [480, { ...VIDEO, width: 720, height: 1280 }, 480, 854],
  ])('has the chosen height %i, never above the source', (height, video, width, encodedHeight) => {
    expect(planRestream({ ...SOURCE, video }, height, 'flv').video).toMatchObject({ encode: { width, height: encodedHeight } });
  });

  it('keeps the limits of a bit rate with a chosen height', () => {
    expect(planRestream(SOURCE, 720, 'flv').video).toMatchObject({ encode: { bitrate: 3_000_000 } });
  });

  it.each<[string, AudioSource | null, 'flv' | 'mpegts', string]>([
    ['silence when there is none', null, 'flv', 'silence'],
    ['a copy of MP3 at a rate FLV knows', { codec: 'mp3', sampleRate: 44100, channels: 2 }, 'flv', 'copy'],
    ['AAC of MP3 at a rate FLV does not know', { codec: 'mp3', sampleRate: 48000, channels: 2 }, 'flv', 'encode'],
    ['a copy of MP3 at that rate in MPEG-TS', { codec: 'mp3', sampleRate: 48000, channels: 2 }, 'mpegts', 'copy'],
    ['AAC of Opus', { codec: 'opus', sampleRate: 48000, channels: 2 }, 'flv', 'encode'],
  ])('has as sound %s', (_name, audio, container, expected) => {
    expect(planRestream({ ...SOURCE, audio }, 'source', container).audio).toBe(expected);
  });

  it('has no picture when the source has none', () => {
    expect(planRestream({ video: null, audio: AUDIO }, 720, 'flv').video).toBe('none');
  });
});

describe('a connection, when the encoder comes back,', () => {
  const COPY: RestreamFormat = { source: SOURCE, rendition: 'source', container: 'flv' };
  const RUNG: RestreamFormat = { ...COPY, rendition: 480 };
  const HEVC: SourceLayout = { ...SOURCE, video: { ...VIDEO, codec: 'hevc' } };
  const SMALLER: SourceLayout = { ...SOURCE, video: { ...VIDEO, width: 854, height: 480 } };
  const LARGER: SourceLayout = { ...SOURCE, video: { ...VIDEO, width: 1920, height: 1080 } };
  const SLOWER: SourceLayout = { ...SOURCE, video: { ...VIDEO, frameRate: 25 } };
  const MONO: SourceLayout = { ...SOURCE, audio: { ...AUDIO, channels: 1 } };
  const SILENT: SourceLayout = { ...SOURCE, audio: null };
  const MP3: SourceLayout = { ...SOURCE, audio: { ...AUDIO, codec: 'mp3', sampleRate: 44_100 } };

  it.each<[boolean, string, RestreamFormat, SourceLayout]>([
    [true, 'a copy of the same', COPY, { ...SOURCE }],
    [true, 'a copy at another frame rate', COPY, SLOWER],
    [false, 'a copy with another picture size', COPY, SMALLER],
    [false, 'a copy with other channels', COPY, MONO],
    [false, 'a copy that has to be encoded now', COPY, HEVC],
    [false, 'a copy whose sound is gone', COPY, SILENT],
    [false, 'a copy whose sound has another codec', COPY, MP3],
    [false, 'an encoded HEVC that can be copied now', { ...COPY, source: HEVC }, SOURCE],
    [false, 'silence that is not needed any more', { ...COPY, source: SILENT }, SOURCE],
    [false, 'a copy without a picture', COPY, { ...SOURCE, video: null }],
    [true, 'a rung below another picture size', RUNG, LARGER],
    [true, 'a rung that has the size of its source now', RUNG, SMALLER],
    [false, 'a rung at another frame rate', RUNG, SLOWER],
    [false, 'a rung of another codec, which its decoder cannot change', RUNG, HEVC],
    [true, 'HEVC over SRT', { ...COPY, container: 'mpegts', source: HEVC }, { ...HEVC }],
  ])('goes on: %s, %s', (goesOn, _name, format, now) => {
    expect(restreamGoesOn(format, now)).toBe(goesOn);
  });
});
