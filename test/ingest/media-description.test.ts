import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../domain/errors.js';
import type { AudioCodec, VideoCodec } from '../../domain/source.js';
import { formatOfConfig, formatOfFrame } from '../../ingest/source/audio-config.js';
import { readAudioPacket, readVideoPacket } from '../../ingest/rtmp/media-packet.js';
import { decideLayout, type LayoutEvidence, SourceProbe } from '../../ingest/source/source-probe.js';
import { sizeOfConfig } from '../../ingest/source/video-config.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const ascii = (text: string): string => Buffer.from(text).toString('hex');

describe('a message is told by its first bytes', () => {
  it.each<[string, string, object]>([
    ['H.264 sequence header', '17 00 000000 01', { kind: 'config', codec: 'h264' }],
    ['H.264 keyframe', '17 01 000000 aa', { kind: 'keyframe', codec: 'h264', compositionMs: 0 }],
    ['H.264 picture shown later', '27 01 000042 aa', { kind: 'frame', codec: 'h264', compositionMs: 66 }],
    ['HEVC picture shown later', `a1 ${ascii('hvc1')} 000042 aa`, { kind: 'frame', codec: 'hevc', compositionMs: 66 }],
    ['HEVC cut off', `a1 ${ascii('hvc1')} 00`, { kind: 'frame', codec: 'hevc', compositionMs: 0 }],
    ['H.264 frame', '27 01 000000 aa', { kind: 'frame', codec: 'h264' }],
    ['H.264 end of sequence', '17 02 000000', { kind: 'ignored' }],
    ['a seek command', '57 00', { kind: 'ignored' }],
    ['nothing', '', { kind: 'ignored' }],
    ['VP6', '14 00', { kind: 'unsupported', codecName: 'VP6' }],
    ['unofficial HEVC', '1c 00', { kind: 'unsupported', codecName: expect.stringContaining('enhanced RTMP') }],
    ['HEVC sequence header', `90 ${ascii('hvc1')} 01`, { kind: 'config', codec: 'hevc' }],
    ['HEVC keyframe without composition time', `93 ${ascii('hvc1')} aa`, { kind: 'keyframe', codec: 'hevc', body: hex('aa') }],
    ['HEVC frame with composition time', `a1 ${ascii('hvc1')} 000000 aa`, { kind: 'frame', codec: 'hevc', body: hex('aa') }],
    ['AV1 keyframe', `91 ${ascii('av01')} aa`, { kind: 'keyframe', codec: 'av1', body: hex('aa') }],
    ['H.264 by FourCC', `90 ${ascii('avc1')} 01`, { kind: 'config', codec: 'h264' }],
    ['HDR metadata', `94 ${ascii('hvc1')} aa`, { kind: 'ignored' }],
    ['one of several tracks', `96 00 ${ascii('avc1')} 00`, { kind: 'ignored' }],
    ['a frame with a finer time before it', `97 02 000000 01 ${ascii('av01')} aa`, { kind: 'keyframe', codec: 'av1' }],
    ['an unknown FourCC', `90 ${ascii('vp10')} 01`, { kind: 'unsupported', codecName: 'codec "vp10"' }],
    ['a FourCC that is no text', '90 0a1b5b31 01', { kind: 'unsupported', codecName: 'an unknown codec' }],
  ])('video: %s', (_name, bytes, expected) => {
    expect(readVideoPacket(hex(bytes))).toMatchObject({ track: 'video', ...expected });
  });

  it.each<[string, string, object]>([
    ['AAC sequence header', 'af 00 1190', { kind: 'config', codec: 'aac', body: hex('1190') }],
    ['AAC frame', 'af 01 2110', { kind: 'frame', codec: 'aac' }],
    ['MP3', '2f fffb90', { kind: 'frame', codec: 'mp3', body: hex('fffb90') }],
    ['Speex', 'b6 00', { kind: 'unsupported', codecName: 'Speex' }],
    ['G.711', '7f 00', { kind: 'unsupported', codecName: 'G.711 A-law' }],
    ['Opus sequence header', `90 ${ascii('Opus')} 01`, { kind: 'config', codec: 'opus' }],
    ['AAC by FourCC', `91 ${ascii('mp4a')} 21`, { kind: 'frame', codec: 'aac' }],
    ['a layout of loudspeakers', `94 ${ascii('Opus')} 01`, { kind: 'ignored' }],
    ['nothing', '', { kind: 'ignored' }],
  ])('audio: %s', (_name, bytes, expected) => {
    expect(readAudioPacket(hex(bytes))).toMatchObject({ track: 'audio', ...expected });
  });
});

describe('sound formats are read from codec headers', () => {
  it.each<[string, AudioCodec, string, number, number]>([
    ['AAC-LC 48 kHz stereo', 'aac', '1190', 48000, 2],
    ['AAC-LC 44.1 kHz mono', 'aac', '1208', 44100, 1],
    ['AAC-LC 5.1', 'aac', '11b0', 48000, 6],
    ['HE-AAC said openly', 'aac', '2b118800', 48000, 2],
    ['HE-AACv2 said openly: mono becomes stereo', 'aac', 'eb098800', 48000, 2],
    ['HE-AAC said at the end, for old decoders', 'aac', '131056e598', 48000, 2],
    ['AAC with its rate in full', 'aac', '1780579010', 44832, 2],
    ['Opus stereo', 'opus', `${ascii('OpusHead')}0102000080bb0000000000`, 48000, 2],
    ['FLAC 44.1 kHz stereo', 'flac', `${ascii('fLaC')}80000022 10001000 000000 000000 0ac442f0 00000000`, 44100, 2],
  ])('%s', (_name, codec, config, sampleRate, channels) => {
    expect(formatOfConfig(codec, hex(config))).toEqual({ sampleRate, channels });
  });

  it.each<[string, AudioCodec, string, number, number]>([
    ['MP3 44.1 kHz joint stereo', 'mp3', 'fffb9064', 44100, 2],
    ['MP3 22.05 kHz mono', 'mp3', 'fff380c4', 22050, 1],
    ['AC-3 48 kHz 5.1', 'ac3', '0b77 0000 1e40 e1', 48000, 6],
    ['E-AC-3 48 kHz stereo', 'eac3', '0b77 01ff 34', 48000, 2],
  ])('%s, from a frame', (_name, codec, frame, sampleRate, channels) => {
    expect(formatOfFrame(codec, hex(frame))).toEqual({ sampleRate, channels });
  });

  it.each<[AudioCodec, string]>([
    ['aac', ''],
    ['aac', '11'],
    ['aac', '1f80'],
    ['opus', '00'],
    ['flac', '00'],
    ['mp3', '00'],
  ])('broken %s "%s" has none', (codec, bytes) => {
    expect(formatOfConfig(codec, hex(bytes)) ?? formatOfFrame(codec, Buffer.alloc(0))).toEqual(
      codec === 'opus' ? { sampleRate: 48000, channels: 2 } : null,
    );
  });
});

describe('a crafted header costs no more than its length', () => {
  it.each<[VideoCodec, string]>([
    ['h264', '01 42 00 1e ff e1 0010 67 42 00 1e f8 00000000ffffffff00000000'],
    ['h264', '01 42 00 1e ff e1 ffff 67'],
    ['h264', '01 42 00 1e ff e0'],
    ['hevc', `${'00'.repeat(22)} ff 21 ffff 0000 0000`],
    ['av1', '81 00 0c 00 0a ff ff ff ff ff ff ff ff ff ff'],
    ['h264', ''],
  ])('%s %s', (codec, config) => {
    expect(sizeOfConfig(codec, hex(config))).toBeNull();
  });
});

describe('the layout is decided', () => {
  const video = { source: { codec: 'h264', width: 320, height: 180, frameRate: 30 } as const, seen: true, announced: true };
  const audio = { source: { codec: 'aac', sampleRate: 48000, channels: 2 } as const, seen: true, announced: true };
  const absent = { source: null, seen: false };

  it.each<[string, LayoutEvidence, boolean]>([
    ['at once when both tracks are described', { video, audio, elapsedMs: 0 }, true],
    [
      'not before half a second without sound of which nothing is known',
      { video, audio: { ...absent, announced: null }, elapsedMs: 499 },
      false,
    ],
    ['after half a second without sound of which nothing is known', { video, audio: { ...absent, announced: null }, elapsedMs: 500 }, true],
    ['sooner when the metadata lists video only', { video, audio: { ...absent, announced: false }, elapsedMs: 200 }, true],
    ['later when sound is announced', { video, audio: { ...absent, announced: true }, elapsedMs: 999 }, false],
    ['a second after announced sound has not come', { video, audio: { ...absent, announced: true }, elapsedMs: 1000 }, true],
    ['for sound alone in the same way', { video: { ...absent, announced: null }, audio, elapsedMs: 500 }, true],
    [
      'never while pictures come that cannot be described yet',
      { video: { source: null, seen: true, announced: true }, audio, elapsedMs: 9000 },
      false,
    ],
    ['never without any track', { video: { ...absent, announced: null }, audio: { ...absent, announced: null }, elapsedMs: 9000 }, false],
  ])('%s', (_name, evidence, decided) => {
    const layout = decideLayout(evidence);
    expect(layout).toEqual(decided ? { video: evidence.video.source, audio: evidence.audio.source } : null);
  });
});

describe('the probe', () => {
  it('waits for a keyframe when it joins in the middle', () => {
    const probe = new SourceProbe();
    const body = Buffer.alloc(8);
    probe.add({ track: 'audio', kind: 'config', codec: 'aac', body: hex('1190') }, 0);
    for (let time = 0; time < 3000; time += 33) {
      probe.add({ track: 'audio', kind: 'frame', codec: 'aac', body }, time);
      probe.add({ track: 'video', kind: 'frame', codec: 'h264', compositionMs: 0, body }, time);
    }
    expect(probe.layout).toBeNull();
  });

  it('refuses pictures whose size nobody says', () => {
    const probe = new SourceProbe();
    probe.add({ track: 'video', kind: 'config', codec: 'h264', compositionMs: 0, body: Buffer.alloc(4) }, 0);
    const keyframe = { track: 'video', kind: 'keyframe', codec: 'h264', compositionMs: 0, body: Buffer.alloc(8) } as const;
    expect(() => probe.add(keyframe, 0)).toThrow(HoldfastError);
  });

  it('leaves out a codec it cannot take that comes after the layout is decided', () => {
    const probe = new SourceProbe();
    probe.add({ track: 'audio', kind: 'config', codec: 'aac', body: hex('1190') }, 0);
    for (let time = 0; time <= 1000; time += 20) probe.add({ track: 'audio', kind: 'frame', codec: 'aac', body: Buffer.alloc(8) }, time);
    expect(probe.layout).toEqual({ video: null, audio: { codec: 'aac', sampleRate: 48000, channels: 2 } });
    probe.add({ track: 'video', kind: 'unsupported', codecName: 'VP6' }, 1020);
    expect(probe.layout?.video).toBeNull();
  });
});
