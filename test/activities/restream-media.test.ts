import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { DestinationTarget } from '../../domain/contracts/destinations.js';
import type { SourceLayout } from '../../domain/source.js';
import { freePort } from '../../tools/launcher/ports/ports.js';
import { writeAuthorities } from '../../media/restream/authorities.js';
import { type ClipOptions, makeClip, Programme } from '../support/programme.js';
import type { PlatformConnection, RtmpPlatformOptions } from '../support/rtmp-platform.js';
import { ffmpegPath, ffprobePath } from '../support/toolchain.js';
import { until } from '../support/until.js';
import { RestreamBench, SOURCE } from './support.js';

let bench: RestreamBench;
let tls: { key: string; cert: string };
beforeAll(() => {
  bench = new RestreamBench();
  tls = { key: join(bench.dir, 'key.pem'), cert: join(bench.dir, 'cert.pem') };
  // No `openssl` is needed anywhere else, so its absence should not fail more than this.
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      tls.key,
      '-out',
      tls.cert,
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost',
    ],
    { stdio: 'ignore' },
  );
});
afterEach(() => bench.programme?.stop());
afterAll(() => bench.close());

interface Stream {
  codec_name: string;
  width?: number;
  height?: number;
  sample_rate?: string;
  channels?: number;
}
const streamsOf = (path: string): Stream[] => {
  const args = ['-v', 'error', '-show_entries', 'stream=codec_name,width,height,sample_rate,channels', '-of', 'json', path];
  return (JSON.parse(execFileSync(ffprobePath(), args, { encoding: 'utf8' })) as { streams: Stream[] }).streams;
};
const decodes = (path: string): void => {
  execFileSync(ffmpegPath(), ['-v', 'error', '-xerror', '-i', path, '-f', 'null', '-']);
};

/** Sends a clip of that kind to a platform for some seconds, and returns what arrived. */
async function send(
  name: string,
  clip: ClipOptions,
  source: SourceLayout,
  target: Partial<DestinationTarget> = {},
  platformOptions: Partial<RtmpPlatformOptions> = {},
): Promise<PlatformConnection> {
  bench.programme = await Programme.start(await makeClip(bench.dir, `clip-${name}`, clip));
  const platform = await bench.platform(name, platformOptions);
  const destinationId = `dst_${name}`;
  bench.target(destinationId, platform.url, target);
  const caFile = platformOptions.tls ? await writeAuthorities(join(bench.dir, 'authorities.pem'), tls.cert) : null;
  const activities = bench.activities({ caFile });
  const run = bench.run(activities, destinationId, 1, source);
  await bench.live(activities, destinationId);
  await platform.receiving(1, 200);
  await bench.stop(activities, destinationId);
  expect(await run.end).toMatchObject({ code: 'stopped' });
  return platform.closed();
}

describe('what a platform is sent', () => {
  it('has silent AAC in step with the picture when the source has no sound', async () => {
    const arrived = await send('silent', { audio: false }, { ...SOURCE, audio: null });
    expect(streamsOf(arrived.recording)).toEqual([
      expect.objectContaining({ codec_name: 'h264', height: 180 }),
      expect.objectContaining({ codec_name: 'aac', sample_rate: '48000', channels: 2 }),
    ]);
    // ffmpeg lets an input run at most some 100 ms ahead of the others, plus what is on its way.
    expect(Math.abs(arrived.lastAudioMs - arrived.lastVideoMs)).toBeLessThan(1000);
    expect(arrived.backwards).toBe(0);
    decodes(arrived.recording);
  });

  it('is encoded at a chosen height, and never above the source', async () => {
    const arrived = await send('smaller', {}, SOURCE, { rendition: 90 });
    expect(streamsOf(arrived.recording)).toContainEqual(expect.objectContaining({ codec_name: 'h264', width: 160, height: 90 }));
    const same = await send('same', {}, SOURCE, { rendition: 1080 });
    expect(streamsOf(same.recording)).toContainEqual(expect.objectContaining({ codec_name: 'h264', width: 320, height: 180 }));
    decodes(same.recording);
  });

  it('is H.264 when the source is HEVC, which RTMP platforms refuse', async () => {
    const hevc = ['-c:v', 'libx265', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-x265-params', 'log-level=error:bframes=0'];
    const source: SourceLayout = { ...SOURCE, video: { ...SOURCE.video!, codec: 'hevc' } };
    const arrived = await send('hevc', { videoCodec: hevc }, source);
    expect(
      streamsOf(arrived.recording)
        .map(({ codec_name: codec }) => codec)
        .sort(),
    ).toEqual(['aac', 'h264']);
    decodes(arrived.recording);
  });

  it('is the sound alone when there is nothing else', async () => {
    const source: SourceLayout = { video: null, audio: SOURCE.audio };
    const arrived = await send('sound', { videoBitrate: null }, source, {}, { tracks: { audio: true, video: false } });
    expect(streamsOf(arrived.recording)).toEqual([expect.objectContaining({ codec_name: 'aac' })]);
  });

  it('goes over RTMPS to a platform whose certificate is trusted', async () => {
    const arrived = await send('tls', {}, SOURCE, {}, { tls });
    expect(streamsOf(arrived.recording)).toHaveLength(2);
    // Platforms have many names at one address.
    expect(arrived.serverName).toBe('localhost');
  });

  it('does not go to a platform whose certificate nobody vouches for', async () => {
    bench.programme = await Programme.start(await makeClip(bench.dir, 'untrusted'));
    const platform = await bench.platform('untrusted', { tls });
    bench.target('dst_untrusted', platform.url);
    const caFile = await writeAuthorities(join(bench.dir, 'others.pem'), undefined);
    const end = await bench.run(bench.activities({ caFile }), 'dst_untrusted').end;
    expect(end).toMatchObject({ code: 'destination_unreachable', detail: expect.stringContaining('certificate') as string });
    expect(platform.published).toEqual([]);
  });

  it('goes over SRT, with a passphrase no process list shows', async () => {
    bench.programme = await Programme.start(await makeClip(bench.dir, 'srt'));
    const PASSPHRASE = 'a-secret-passphrase';
    const port = await freePort();
    const recording = join(bench.dir, 'srt.ts');
    const listen = `srt://127.0.0.1:${port}?mode=listener&passphrase=${PASSPHRASE}`;
    const receiver = spawn(
      ffmpegPath(),
      ['-v', 'error', '-nostdin', '-analyzeduration', '500000', '-i', listen, '-c', 'copy', '-f', 'mpegts', recording],
      { stdio: 'ignore' },
    );
    bench.target('dst_srt', `srt://127.0.0.1:${port}?passphrase=${PASSPHRASE}&latency=200000`, { streamKey: 'secret-stream-id' });
    const activities = bench.activities();
    // The receiver listens when it listens; SRT is UDP and tells nobody.
    for (let attempt = 1; ; attempt++) {
      const run = bench.run(activities, 'dst_srt', attempt);
      const isLive = await Promise.race([
        bench.live(activities, 'dst_srt', attempt).then(
          () => true,
          () => false,
        ),
        run.end.then(() => false),
      ]);
      if (isLive) break;
      expect(await run.end).toMatchObject({ code: 'destination_unreachable' });
      expect(attempt).toBeLessThan(5);
    }
    const { process } = (await bench.restreams.of({ broadcastId: 'brd_1', destinationId: 'dst_srt' }))!;
    const shown = readFileSync(`/proc/${process.pid}/cmdline`, 'utf8');
    expect(shown).toContain('passphrase');
    expect(shown).not.toMatch(/secret/);
    await until(() => statSync(recording).size > 0, 'what the receiver writes');
    expect(await bench.stop(activities, 'dst_srt')).toEqual({ forced: false });
    if (receiver.exitCode === null) await once(receiver, 'exit');
    // Both tracks are there, or the maps fail.
    execFileSync(ffmpegPath(), ['-v', 'error', '-i', recording, '-map', '0:v:0', '-map', '0:a:0', '-f', 'null', '-']);
  });
});
