import type { BroadcastStatus } from '../../domain/contracts/origin-control.js';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mediaPlaylists, multivariant } from '../support/playlist.js';
import { until } from '../support/until.js';
import { AUDIO, encode, TestOrigin, video } from './support.js';

const renditions = [video(120), AUDIO];

/** Whether this user may mount file systems (root outside of a container, say). */
function mayMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-mount-'));
  try {
    mount(folder, '64k');
    execFileSync('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const mount = (folder: string, size: string): void =>
  void execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'holdfast', folder], { stdio: 'pipe' });

let origin: TestOrigin;
beforeEach(async () => {
  origin = await TestOrigin.start();
});
afterEach(async () => origin.close());

const hls = (): string => `${origin.playback}/full/index.m3u8`;
const playlists = async () => mediaPlaylists(await multivariant(hls()));

async function writeFailures(): Promise<number> {
  const text = await (await fetch(`${origin.controlUrl}/metrics`)).text();
  return Number(/^holdfast_origin_write_failures_total\S* (\d+)/m.exec(text)?.[1] ?? 0);
}

const finished = async (): Promise<string> => {
  const master = await multivariant(hls());
  return (await fetch(new URL(master.playlist.variants[0]!.uri, master.url))).text();
};

/** Every listed segment can be had, now. */
async function expectAllPlayable(): Promise<number> {
  let segments = 0;
  for (const { url, playlist } of await playlists()) {
    for (const { uri } of playlist.segments) {
      expect((await fetch(new URL(uri, url))).status).toBe(200);
      segments += 1;
    }
  }
  return segments;
}

describe.each(['low', 'standard'] as const)('with %s latency', (latency) => {
  test('a disk that counts as full is not written to: live is played from memory, and is a gap afterwards', async () => {
    await origin.open('full', { playbackId: 'full', latency });
    origin.diskFull = true;
    await once(encode({ sockets: await origin.startEncode('full', 1, renditions), renditions, seconds: 9 }), 'exit');
    await until(async () => (await playlists()).every(({ playlist }) => playlist.segments.length >= 4), 'the segments');
    expect(await expectAllPlayable()).toBeGreaterThanOrEqual(8);
    expect(await writeFailures()).toBeGreaterThanOrEqual(4);
    expect((await origin.status('full')).unstoredSince).toBeGreaterThan(0);

    origin.diskFull = false;
    await once(encode({ sockets: await origin.startEncode('full', 2, renditions), renditions, seconds: 6 }), 'exit');
    const { body } = await origin.control<BroadcastStatus>('POST', '/broadcasts/full/end');
    expect(body.unstoredSince).toBeNull();
    const text = await finished();
    expect(text).toContain('#EXT-X-ENDLIST');
    expect(text.match(/#EXT-X-GAP/g)!.length).toBeGreaterThanOrEqual(4);
    expect(text.split('\n').filter((line) => line.endsWith('.m4s')).length).toBeGreaterThan(text.match(/#EXT-X-GAP/g)!.length);
    // What was lost is known after a restart, too.
    await origin.stop();
    await origin.start();
    expect((await finished()).match(/#EXT-X-GAP/g)).toEqual(text.match(/#EXT-X-GAP/g));
  });

  test.skipIf(!mayMount())(
    'a file system without a byte left costs the recording, not the picture, and is used again when it has room',
    async () => {
      const media = join(origin.dataDir, 'media');
      mkdirSync(media, { recursive: true });
      mount(media, '256k');
      try {
        await origin.open('full', { playbackId: 'full', latency });
        await once(encode({ sockets: await origin.startEncode('full', 1, renditions), renditions, seconds: 20 }), 'exit');
        await until(async () => (await writeFailures()) > 3, 'the disk to be full');
        expect((await origin.status('full')).playable).toBe(true);
        expect(await expectAllPlayable()).toBeGreaterThan(8);

        execFileSync('mount', ['-o', 'remount,size=64m', media]);
        const failed = await writeFailures();
        await once(encode({ sockets: await origin.startEncode('full', 2, renditions), renditions, seconds: 6 }), 'exit');
        const { body } = await origin.control<{ durationSeconds: number }>('POST', '/broadcasts/full/end');
        expect(body.durationSeconds).toBeGreaterThan(25);
        expect(await writeFailures()).toBe(failed);
        await origin.stop();
        await origin.start();
        expect(await origin.text('/full/index.m3u8')).toContain('#EXTM3U');
      } finally {
        await origin.stop();
        execFileSync('umount', [media]);
      }
    },
  );
});
