import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BroadcastStatus } from '../../domain/contracts/origin-control.js';
import { ffprobePath } from '../support/toolchain.js';
import { until } from '../support/until.js';
import { parseMedia, parseMultivariant } from './playlist-check.js';
import { AUDIO, encode, exited, TestOrigin, video } from './support.js';

interface Packet {
  pts: number;
  dts: number;
  keyframe: boolean;
}

let origin: TestOrigin;
let scratch: string;
let probes = 0;
beforeAll(async () => {
  origin = await TestOrigin.start();
  scratch = await mkdtemp(join(tmpdir(), 'holdfast-probe-'));
});
afterAll(async () => {
  await origin.close();
  await rm(scratch, { recursive: true, force: true });
});

/** What ffprobe finds in a header and segments joined. */
async function packets(...pieces: Buffer[]): Promise<Packet[]> {
  const path = join(scratch, `${probes++}.mp4`);
  await writeFile(path, Buffer.concat(pieces));
  const { stdout, stderr } = spawnSync(ffprobePath(), ['-v', 'error', '-show_packets', '-of', 'json', path], {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  expect(stderr).toBe('');
  const { packets: found } = JSON.parse(stdout) as { packets: { pts_time: string; dts_time: string; flags: string }[] };
  return found.map(({ pts_time, dts_time, flags }) => ({ pts: Number(pts_time), dts: Number(dts_time), keyframe: flags.startsWith('K') }));
}

/** Every segment of every rendition of an ended broadcast, as its on-demand playlists name them. */
async function onDemand(playbackId: string) {
  const { variants, audio } = parseMultivariant(await origin.text(`/${playbackId}/index.m3u8`));
  const uris = [...variants.map(({ uri }) => uri), ...(audio ? [audio] : [])];
  return Promise.all(
    uris.map(async (uri) => {
      const text = await origin.text(`/${playbackId}/${uri}`);
      const folder = `/${playbackId}/${uri.replace(/[^/]*$/, '')}`;
      return { uri, folder, text, playlist: parseMedia(text) };
    }),
  );
}

describe('a broadcast of three pictures and a sound', () => {
  const renditions = [video(240), video(180), video(120), AUDIO];
  const seconds = 13;

  beforeAll(async () => {
    await origin.open('three', { playbackId: 'three' });
    const sockets = await origin.startEncode('three', 1, renditions);
    await exited(encode({ sockets, renditions, seconds }));
    const { status, body } = await origin.control<BroadcastStatus>('POST', '/broadcasts/three/end');
    expect({ status, state: body.state }).toEqual({ status: 200, state: 'ended' });
  });

  test('every segment of every picture starts with a keyframe at the same instant', async () => {
    const all = await onDemand('three');
    const starts = await Promise.all(
      all.map(async ({ folder, playlist }) => {
        const firsts: Packet[] = [];
        for (const segment of playlist.segments) {
          const found = await packets(await origin.bytes(`${folder}${segment.map}`), await origin.bytes(`${folder}${segment.uri}`));
          firsts.push(found[0]!);
        }
        return firsts;
      }),
    );
    const [first, ...others] = starts;
    expect(first!.map(({ pts }) => pts)).toEqual([10, 12, 14, 16, 18, 20, 22]);
    for (const other of others) {
      expect(other.every(({ keyframe }) => keyframe)).toBe(true);
      for (const [index, { pts }] of other.entries()) expect(Math.abs(pts - first![index]!.pts)).toBeLessThan(1024 / 48_000);
    }
  });

  test('the segments joined are the whole broadcast, without a hole', async () => {
    for (const { uri, folder, playlist } of await onDemand('three')) {
      const pieces = await Promise.all(playlist.segments.map((segment) => origin.bytes(`${folder}${segment.uri}`)));
      const found = await packets(await origin.bytes(`${folder}${playlist.segments[0]!.map}`), ...pieces);
      const frame = uri.includes('audio') ? 1024 / 48_000 : 1 / 30;
      const steps = found.slice(1).map((packet, index) => packet.dts - found[index]!.dts);
      expect(Math.max(...steps)).toBeLessThan(1.5 * frame);
      expect(Math.abs(found.length * frame - seconds)).toBeLessThan(3 * frame);
    }
  });

  test('the playlists say what is in the segments', async () => {
    const text = await origin.text('/three/index.m3u8');
    const { variants, audio } = parseMultivariant(text);
    expect(audio).not.toBeNull();
    expect(variants.map(({ resolution, frameRate }) => [resolution, frameRate])).toEqual([
      ['426x240', '30.000'],
      ['320x180', '30.000'],
      ['214x120', '30.000'],
    ]);
    for (const { codecs } of variants) expect(codecs).toMatch(/^avc1\.[0-9a-f]{6},mp4a\.40\.2$/);
    const all = await onDemand('three');
    for (const { uri, folder, playlist } of all.slice(0, 3)) {
      const variant = variants.find((candidate) => candidate.uri === uri)!;
      const sound = all.at(-1)!;
      const rate = async (place: typeof sound, index: number): Promise<number> =>
        ((await origin.bytes(`${place.folder}${place.playlist.segments[index]!.uri}`)).length * 8) /
        place.playlist.segments[index]!.duration;
      for (const [index, segment] of playlist.segments.entries()) {
        expect(segment.duration).toBeLessThan(playlist.targetDuration + 0.5);
        if (segment.duration < 1) continue;
        expect((await rate({ uri, folder, playlist, text }, index)) + (await rate(sound, index))).toBeLessThanOrEqual(variant.bandwidth);
      }
      expect(variant.averageBandwidth).toBeLessThanOrEqual(variant.bandwidth);
    }
  });

  test('the ended broadcast is complete, on demand and at its live address alike finished', async () => {
    for (const { uri, text } of await onDemand('three')) {
      expect(text).toContain('#EXT-X-PLAYLIST-TYPE:VOD');
      expect(text.trimEnd().endsWith('#EXT-X-ENDLIST')).toBe(true);
      const live = await origin.text(`/three/${uri.replace('vod.m3u8', 'index.m3u8')}`);
      expect(live).not.toContain('PLAYLIST-TYPE');
      expect(live.trimEnd().endsWith('#EXT-X-ENDLIST')).toBe(true);
    }
  });
});

/** Of 25 pictures a second; one frame of sound is less. */
const ONE_FRAME_MS = 40;

describe('an encoder that dies and is replaced', () => {
  const renditions = [video(120), AUDIO];

  test('leaves one discontinuity at the same number everywhere, and a new header', async () => {
    await origin.open('restart', { playbackId: 'restart' });
    const receivedAt = Date.now() - 5000;
    const first = encode({
      sockets: await origin.startEncode('restart', 1, renditions, 2, { receivedAt }),
      renditions,
      seconds: 60,
      realTime: true,
    });
    await until(async () => (await origin.status('restart')).durationSeconds >= 4, 'two segments');
    first.kill('SIGKILL');
    await exited(first);
    // What it is given came in long before what is listed: it is dated after that all the same.
    const second = encode({ sockets: await origin.startEncode('restart', 2, renditions, 2, { receivedAt }), renditions, seconds: 5 });
    await exited(second);
    await until(
      async () => (await origin.status('restart')).renditions.every(({ connected }) => !connected),
      'the end of the second encoder',
    );
    await origin.control('POST', '/broadcasts/restart/end');
    const all = await onDemand('restart');
    const breaks = all.map(({ playlist }) => playlist.segments.filter(({ discontinuity }) => discontinuity).map(({ uri }) => uri));
    expect(breaks[0]).toHaveLength(1);
    expect(breaks[1]).toEqual(breaks[0]);
    for (const { playlist } of all) {
      const at = playlist.segments.findIndex(({ discontinuity }) => discontinuity);
      expect(new Set(playlist.segments.slice(0, at).map(({ map }) => map))).toEqual(new Set(['init-1.mp4']));
      expect(new Set(playlist.segments.slice(at).map(({ map }) => map))).toEqual(new Set(['init-2.mp4']));
      const times = playlist.segments.map(({ programDateTime }) => programDateTime);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(Math.abs(times[0]! - receivedAt)).toBeLessThanOrEqual(ONE_FRAME_MS);
      const { duration, programDateTime } = playlist.segments[at - 1]!;
      expect(times[at]).toBeGreaterThanOrEqual(Math.floor(programDateTime + duration * 1000));
      expect(playlist.segments.map(({ uri }) => uri)).toEqual(playlist.segments.map((_segment, msn) => `${msn}.m4s`));
    }
  });

  test('is fenced: a late one of an older epoch is refused', async () => {
    await origin.open('fenced', { playbackId: 'fenced' });
    const old = encode({ sockets: await origin.startEncode('fenced', 1, renditions), renditions, seconds: 60, realTime: true });
    await until(async () => (await origin.status('fenced')).renditions.every(({ connected }) => connected), 'the first encoder');
    await origin.startEncode('fenced', 2, renditions);
    await exited(old);
    const { status, body } = await origin.control<{ code: string }>('POST', '/broadcasts/fenced/encodes', {
      epoch: 1,
      gopSeconds: 2,
      renditions,
    });
    expect({ status, code: body.code }).toEqual({ status: 409, code: 'stale_epoch' });
    expect((await origin.status('fenced')).epoch).toBe(2);
  });
});
