import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { streamWorkflowId } from '../../domain/task-queues.js';
import type { ApiClient } from '../support/api.js';
import type { Player } from '../support/player.js';
import { bytes, mediaPlaylists, multivariant } from '../support/playlist.js';
import { Stage } from '../support/stage.js';
import { ffprobePath } from '../support/toolchain.js';
import { until } from '../support/until.js';

let stage: Stage;
let api: ApiClient;

beforeAll(async () => {
  stage = await Stage.open({ browser: true });
  api = stage.api;
});
afterAll(() => stage?.close());

interface Packets {
  packets: { pts_time: string; flags: string }[];
}

/** Presentation times and flags of the packets of one segment, read by ffprobe from init + segment. */
async function packetsOf(initUrl: string, segmentUrl: string): Promise<Packets['packets']> {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-probe-'));
  try {
    const path = join(dir, 'media.mp4');
    writeFileSync(path, Buffer.concat([await bytes(initUrl), await bytes(segmentUrl)]));
    const { stdout } = await promisify(execFile)(ffprobePath(), ['-v', 'error', '-show_packets', '-of', 'json', path], {
      maxBuffer: 1 << 26,
    });
    return (JSON.parse(stdout) as Packets).packets;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

describe('one broadcast, from create to replay', () => {
  it('is live exactly when a viewer can play it, is adaptive, and ends in order', async () => {
    const stream = await api.create({ name: 'Lifecycle' });
    expect(stream.status).toBe('idle');
    const notYet = await fetch(stream.playback.hls);
    expect(notYet.status).toBe(404);
    expect(notYet.headers.get('access-control-allow-origin')).toBe('*');

    const player = await stage.watch(stream);
    const publisher = stage.publish(stream.publishUrl, { video: 'testsrc2=size=1280x720:rate=30' });
    const seen = new Set<string>();
    await until(async () => {
      // The status is asked first: live must already have been playable then.
      const { status } = await api.stream(stream.id);
      const playable = await fetch(stream.playback.hls);
      seen.add(status);
      if (status === 'live') expect(playable.status).toBe(200);
      return status === 'live';
    }, 'live');
    expect([...seen].at(-1)).toBe('live');
    expect([...seen]).toContain('connecting');
    await until(() => player.isMoving(), 'the first picture');

    const master = await multivariant(stream.playback.hls);
    expect(master.playlist.variants.map((variant) => `${variant.resolution?.width}x${variant.resolution?.height}`).sort()).toEqual([
      '1280x720',
      '426x240',
      '854x480',
    ]);
    await until(
      async () => (await mediaPlaylists(master)).every(({ playlist }) => playlist.segments.length >= 3),
      'three segments everywhere',
    );

    await checkSegments(await mediaPlaylists(master));
    await switchesQuality(player);

    const first = await api.end(stream.id);
    expect(first.status).toBe(202);
    await until(async () => (await mediaPlaylists(master)).every(({ playlist }) => playlist.endlist), 'ENDLIST everywhere');
    expect(await publisher.exited()).not.toBe(null);
    await stage.becomes(stream, 'ended');
    const again = await api.end(stream.id);
    expect(again.status).toBe(200);
    expect(again.body).toMatchObject({ id: stream.id, status: 'ended' });

    const events = await api.events(stream.id);
    expect(events.map((event) => event.type)).toEqual([
      'stream.created',
      'stream.connected',
      'stream.live',
      'stream.ending',
      'stream.ended',
    ]);
    expect(events.map((event) => event.sequence)).toEqual([1, 2, 3, 4, 5]);
    await workflowIsCompleted(stream.id);

    const refused = stage.publish(stream.publishUrl);
    expect(await refused.exited()).not.toBe(0);

    await until(async () => (await player.state()).ended, 'the player to reach the end');
    await player.close();
    await replayIsWhole(stream.playback.hls);
  });
});

async function checkSegments(playlists: Awaited<ReturnType<typeof mediaPlaylists>>): Promise<void> {
  const bounds = new Map<number, Set<string>>();
  for (const { url, playlist } of playlists) {
    const isAudio = url.includes('/audio/');
    for (const segment of playlist.segments.slice(0, 3)) {
      expect(Math.round(segment.duration)).toBeLessThanOrEqual(playlist.targetDuration);
      const packets = await packetsOf(new URL(segment.map!.uri, url).href, new URL(segment.uri, url).href);
      if (isAudio) continue;
      expect(packets[0]!.flags).toMatch(/^K/);
      expect(packets.filter((packet) => packet.flags.startsWith('K'))).toHaveLength(1);
      const sequence = segment.mediaSequenceNumber;
      bounds.set(sequence, (bounds.get(sequence) ?? new Set()).add(`${packets[0]!.pts_time} ${packets.length}`));
    }
  }
  expect(bounds.size).toBeGreaterThanOrEqual(3);
  for (const variants of bounds.values()) expect([...variants]).toHaveLength(1);
}

async function switchesQuality(player: Player): Promise<void> {
  const { levels } = await player.state();
  expect(levels).toBe(3);
  for (const [index, height] of [
    [0, 240],
    [2, 720],
    [1, 480],
  ] as const) {
    await player.chooseLevel(index);
    await until(async () => (await player.state()).height === height, `the ${height} rung`);
    expect(await player.isMoving()).toBe(true);
  }
}

async function workflowIsCompleted(streamId: string): Promise<void> {
  const connection = await Connection.connect({ address: (await stage.stack.run()).temporal });
  try {
    const handle = new Client({ connection }).workflow.getHandle(streamWorkflowId(streamId));
    await until(async () => (await handle.describe()).status.name === 'COMPLETED', 'the workflow to be completed');
  } finally {
    await connection.close();
  }
}

/** On demand, every rung has the whole broadcast, from its first segment. */
async function replayIsWhole(url: string): Promise<void> {
  const playlists = await mediaPlaylists(await multivariant(url));
  const counts = playlists.map(({ playlist }) => playlist.segments.length);
  expect(new Set(counts).size).toBe(1);
  for (const { playlist, url: mediaUrl } of playlists) {
    expect(playlist.playlistType).toBe('VOD');
    expect(playlist.mediaSequenceBase ?? 0).toBe(0);
    for (const segment of playlist.segments) expect((await bytes(new URL(segment.uri, mediaUrl).href)).length).toBeGreaterThan(0);
  }
}

describe('a reusable stream', () => {
  it('returns to idle, and its next broadcast has nothing of the old one', async () => {
    const stream = await api.create({ reusable: true });
    const first = stage.publish(stream.publishUrl);
    await stage.becomes(stream, 'live');
    const oldSegments = (await mediaPlaylists(await multivariant(stream.playback.hls))).flatMap(({ url, playlist }) =>
      playlist.segments.map((segment) => new URL(segment.uri, url).href),
    );
    const { broadcastId } = await api.stream(stream.id);
    await api.end(stream.id);
    await stage.becomes(stream, 'idle');
    await first.exited();

    stage.publish(stream.publishUrl);
    await stage.becomes(stream, 'live');
    expect((await api.stream(stream.id)).broadcastId).not.toBe(broadcastId);
    const playlists = await mediaPlaylists(await multivariant(stream.playback.hls));
    const newSegments = playlists.flatMap(({ url, playlist }) => playlist.segments.map((segment) => new URL(segment.uri, url).href));
    expect(newSegments.filter((segment) => oldSegments.includes(segment))).toEqual([]);
    expect(playlists.every(({ playlist }) => (playlist.mediaSequenceBase ?? 0) === 0 && !playlist.endlist)).toBe(true);
    await api.end(stream.id);
    await stage.becomes(stream, 'idle');
  });
});

describe('publishers', () => {
  it('with a wrong key, or second on a key, are refused without touching the live one', async () => {
    const stream = await api.create();
    const live = stage.publish(stream.publishUrl);
    await stage.becomes(stream, 'live');
    const wrong = stage.publish(`${stream.ingest.rtmp}/sk_000000000000000000000000000000`);
    const second = stage.publish(stream.publishUrl);
    expect(await wrong.exited()).not.toBe(0);
    expect(await second.exited()).not.toBe(0);
    expect(live.running).toBe(true);
    const notice = await until(async () => (await api.events(stream.id))[3], 'the timeline to tell of the second one');
    expect(notice).toMatchObject({ type: 'stream.health', data: { problem: 'publisher_refused', code: 'publish_already' } });
    const events = await api.events(stream.id);
    expect(events.map((event) => event.type)).toEqual(['stream.created', 'stream.connected', 'stream.live', 'stream.health']);
    await api.end(stream.id);
    await stage.becomes(stream, 'ended');
  });
});

describe('a stream that is deleted while it is live', () => {
  it('ends first, then its files and its rows are gone', async () => {
    const stream = await api.create();
    stage.publish(stream.publishUrl);
    await stage.becomes(stream, 'live');
    const deleted = await api.call('DELETE', `/v1/streams/${stream.id}`);
    expect(deleted.status).toBeLessThan(300);
    expect((await api.call('GET', `/v1/streams/${stream.id}`)).status).toBe(404);
    await until(async () => (await fetch(stream.playback.hls)).status === 404, 'the playlists to be gone');
  });
});
