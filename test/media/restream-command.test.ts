import { describe, expect, it } from 'vitest';
import { parseDestinationUrl } from '../../domain/destination-url.js';
import { planRestream } from '../../domain/restream-plan.js';
import type { SourceLayout } from '../../domain/source.js';
import { restreamArguments } from '../../media/ffmpeg/restream-command.js';
import { HiddenOptions } from '../../media/process/hidden-options.js';
import { restreamAddress } from '../../media/restream/restream-address.js';

const both: SourceLayout = {
  video: { codec: 'h264', width: 1280, height: 720, frameRate: 60000 / 1001 },
  audio: { codec: 'aac', sampleRate: 44100, channels: 1 },
};
const argumentsFor = (source: SourceLayout, rendition: number | 'source' = 'source', readTimeoutSeconds: number | null = 20): string[] =>
  restreamArguments({
    inputUrl: 'http://127.0.0.1:1/programme/s.flv',
    source,
    plan: planRestream(source, rendition, 'flv'),
    encoder: { name: 'libx264', preset: 'veryfast' },
    container: 'flv',
    outputUrl: 'rtmp://platform:1935/app',
    protocolOptions: ['-rtmp_playpath', 'placeholder'],
    globalOptions: ['-progress', '/run/p'],
    readTimeoutSeconds,
    maxPixels: 1920 * 1088,
  });
const valuesOf = (args: string[], option: string): string[] => args.filter((_argument, index) => args[index - 1] === option);

describe('the restream command', () => {
  it('copies both tracks and ends with the platform', () => {
    const args = argumentsFor(both);
    expect(valuesOf(args, '-map')).toEqual(['0:v:0', '0:a:0']);
    expect([...valuesOf(args, '-c:v'), ...valuesOf(args, '-c:a')]).toEqual(['copy', 'copy']);
    expect(args.at(-1)).toBe('rtmp://platform:1935/app');
    expect(args.indexOf('-progress')).toBeLessThan(args.indexOf('-i'));
  });

  it('makes silence of a second input when there is no sound', () => {
    const args = argumentsFor({ ...both, audio: null });
    expect(valuesOf(args, '-i')).toEqual(['http://127.0.0.1:1/programme/s.flv', 'anullsrc=channel_layout=stereo:sample_rate=48000']);
    expect(valuesOf(args, '-map')).toEqual(['0:v:0', '1:a:0']);
    expect(valuesOf(args, '-b:a')).toEqual(['128000']);
  });

  it('encodes a chosen height at the exact rate of the source', () => {
    const args = argumentsFor(both, 360);
    expect(valuesOf(args, '-c:v')).toEqual(['libx264']);
    expect(valuesOf(args, '-r')).toEqual(['30000/1001']);
    expect(args.join(' ')).toContain('scale=640:360');
  });

  it('decodes no picture larger than an encoder may send', () => {
    const args = argumentsFor(both, 360);
    expect(valuesOf(args.slice(0, args.indexOf('-i')), '-max_pixels')).toEqual([String(1920 * 1088)]);
  });

  it('maps no picture for a source that has none', () => {
    expect(valuesOf(argumentsFor({ video: null, audio: both.audio }), '-map')).toEqual(['0:a:0']);
  });

  it('waits for a programme that may be silent', () => {
    expect(valuesOf(argumentsFor(both), '-rw_timeout')).toEqual(['20000000']);
    expect(valuesOf(argumentsFor(both, 'source', null), '-rw_timeout')).toEqual([]);
  });
});

describe('the address of a destination', () => {
  const addressOf = (url: string, key: string | null, caFile: string | null = null, ip?: string) =>
    restreamAddress(parseDestinationUrl(url, key), caFile, ip);

  it('shows host, port and the first part of the application, and hides the rest', () => {
    const { url, hidden, secrets } = addressOf('rtmp://platform.example/app/inst?token=abc', 'key?x=1');
    expect(url).toBe('rtmp://platform.example:1935/app');
    expect(hidden).toEqual({
      rtmp_app: 'app/inst?token=abc',
      rtmp_playpath: 'key?x=1',
      rtmp_tcurl: 'rtmp://platform.example:1935/app/inst?token=abc',
    });
    expect(secrets).toEqual(expect.arrayContaining(['key?x=1', 'key', 'token=abc']));
    expect(secrets).not.toContain('app');
  });

  it('takes the key from the end of a URL that has it', () => {
    const { url, hidden } = addressOf('rtmp://platform.example/live/the-key', null);
    expect(url).toBe('rtmp://platform.example:1935/live');
    expect(hidden).toMatchObject({ rtmp_app: 'live', rtmp_playpath: 'the-key' });
  });

  it('has certificates checked with RTMPS', () => {
    expect(addressOf('rtmps://platform.example/live', 'key', '/run/ca.pem').options).toEqual([
      '-tls_verify',
      '1',
      '-ca_file',
      '/run/ca.pem',
    ]);
    expect(addressOf('rtmp://platform.example/live', 'key', '/run/ca.pem').options).toEqual([]);
  });

  it('of IPv6 keeps its brackets', () => {
    expect(addressOf('rtmp://[2001:db8::1]/live', 'key').url).toBe('rtmp://[2001:db8::1]:1935/live');
  });

  it.each([
    ['rtmp://platform.example/live', 'rtmp://192.0.2.1:1935/live', '192.0.2.1'],
    ['rtmp://platform.example/live', 'rtmp://[2001:db8::1]:1935/live', '2001:db8::1'],
    ['rtmp://platform.example/live', 'rtmp://[::ffff:192.0.2.1]:1935/live', '::ffff:192.0.2.1'],
    ['srt://platform.example:9000', 'srt://192.0.2.1:9000', '192.0.2.1'],
    ['srt://platform.example:9000', 'srt://[2001:db8::1]:9000', '2001:db8::1'],
    ['rtmps://192.0.2.1/live', 'rtmps://192.0.2.1:443/live', '192.0.2.1'],
  ])('%s is connected to as %s', (given, url, ip) => {
    expect(addressOf(given, 'a-key', null, ip)).toMatchObject({ url, resolves: false });
  });

  it('keeps the name towards the platform, and where the certificate is asked for by name', () => {
    expect(addressOf('rtmp://platform.example/live', 'key', null, '192.0.2.1').hidden.rtmp_tcurl).toBe('rtmp://platform.example:1935/live');
    const secure = addressOf('rtmps://platform.example/live', 'key', null, '192.0.2.1');
    expect(secure).toMatchObject({ url: 'rtmps://platform.example:443/live', resolves: true });
  });

  it('of SRT hides stream id and passphrase', () => {
    const { url, hidden, options, container } = addressOf('srt://platform.example:9000?passphrase=0123456789&latency=200000', 'id');
    expect({ url, container }).toEqual({ url: 'srt://platform.example:9000', container: 'mpegts' });
    expect(hidden).toEqual({ passphrase: '0123456789', srt_streamid: 'id' });
    expect(options).toEqual(['-latency', '200000']);
  });
});

describe('hidden options', () => {
  it('show nothing of their values, not even how long they are', () => {
    const shown = (value: string): string[] => new HiddenOptions({ rtmp_playpath: value }).placeholders;
    expect(shown('secret')[0]).toBe('-rtmp_playpath');
    expect(shown('secret')[1]).toMatch(/^[0-9a-f]{64}$/);
    expect(shown('s')[1]).toHaveLength(shown('secret')[1]!.length);
    expect(shown('x'.repeat(500))[1]!.length).toBeGreaterThanOrEqual(500);
  });
});
