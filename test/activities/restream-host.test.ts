import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRestreamActivities } from '../../activities/restream.js';
import { isRunning } from '../../media/process/process-identity.js';
import { makeClip } from '../support/programme.js';
import { until } from '../support/until.js';
import { RestreamBench } from './support.js';

let bench: RestreamBench;
beforeAll(async () => {
  bench = new RestreamBench();
  await bench.play(await makeClip(bench.dir, 'clip'));
});
afterAll(() => bench.close());

describe('a connection of a media host', () => {
  it('is left alone by a stop that is meant for the one before it', async () => {
    const platform = await bench.platform('replaced');
    bench.target('dst_replaced', platform.url);
    const activities = bench.activities();
    const first = bench.run(activities, 'dst_replaced');
    await bench.live(activities, 'dst_replaced');
    const second = bench.run(activities, 'dst_replaced', 2);
    expect(await first.end).toMatchObject({ code: 'stopped' });
    await bench.live(activities, 'dst_replaced', 2);
    const record = (await bench.restreams.of({ broadcastId: 'brd_1', destinationId: 'dst_replaced' }))!;
    await new MockActivityEnvironment().run(activities.stopRestream, { broadcastId: 'brd_1', destinationId: 'dst_replaced', attempt: 1 });
    expect(isRunning(record.process)).toBe(true);
    expect(await bench.stop(activities, 'dst_replaced')).toEqual({ forced: false });
    expect(await second.end).toMatchObject({ code: 'stopped', wasLive: true });
  });

  it('is told to its workflow when it is live, and again to who attaches anew, also after a worker that was gone meanwhile', async () => {
    const platform = await bench.platform('told');
    bench.target('dst_told', platform.url);
    const told = () => bench.told.filter(({ destinationId }) => destinationId === 'dst_told').length;
    const old = await bench.host();
    const first = bench.run(createRestreamActivities(old), 'dst_told');
    await until(() => told() === 1, 'the workflow to be told');
    first.shutDown();
    await expect(first.end).rejects.toThrow();
    const next = await bench.host();
    await until(() => told() === 2, 'the next worker to tell it');
    old.close();
    const second = bench.run(createRestreamActivities(next), 'dst_told');
    await until(() => told() === 3, 'the workflow to be told again');
    await next.stop({ broadcastId: 'brd_1', destinationId: 'dst_told' });
    expect(await second.end).toMatchObject({ code: 'stopped', wasLive: true });
  });

  it('that ended while no worker was there is told by the next one', async () => {
    const platform = await bench.platform('unattended');
    bench.target('dst_unattended', platform.url);
    const old = await bench.host();
    const first = bench.run(createRestreamActivities(old), 'dst_unattended');
    await bench.live(createRestreamActivities(old), 'dst_unattended');
    first.shutDown();
    await expect(first.end).rejects.toThrow();
    old.close();
    const key = { broadcastId: 'brd_1', destinationId: 'dst_unattended' };
    const record = (await bench.restreams.of(key))!;
    platform.closeAll();
    await until(() => !isRunning(record.process), 'the end of its ffmpeg');
    const next = createRestreamActivities(await bench.host());
    expect(await bench.run(next, 'dst_unattended').end).toMatchObject({ code: 'destination_lost', wasLive: true });
    await until(async () => (await bench.restreams.of(key)) === null, 'its record to be gone');
  });

  it('beyond what the host may send is refused at once, and finds room when another has ended', async () => {
    const platform = await bench.platform('limit');
    for (const id of ['dst_one', 'dst_more']) bench.target(id, platform.url);
    const activities = bench.activities({ maxRestreams: 1 });
    const one = bench.run(activities, 'dst_one');
    expect(await bench.run(activities, 'dst_more').end).toMatchObject({ code: 'restream_limit', wasLive: false });
    await expect(bench.live(activities, 'dst_more')).rejects.toMatchObject({ type: 'destination_lost', nonRetryable: true });
    await bench.live(activities, 'dst_one');
    await bench.stop(activities, 'dst_one');
    expect(await one.end).toMatchObject({ code: 'stopped' });
    const more = bench.run(activities, 'dst_more', 2);
    await bench.live(activities, 'dst_more', 2);
    await bench.stop(activities, 'dst_more');
    expect(await more.end).toMatchObject({ code: 'stopped', wasLive: true });
  });

  it('that is stopped while it is being started comes to nothing', async () => {
    const platform = await bench.platform('early');
    bench.target('dst_early', platform.url);
    let looked = false;
    const resolve = (): Promise<string[]> => {
      looked = true;
      return new Promise(() => {});
    };
    const activities = bench.activities({ resolve });
    const run = bench.run(activities, 'dst_early');
    await until(() => looked, 'the start to wait for an address');
    expect(await bench.stop(activities, 'dst_early')).toEqual({ forced: false });
    expect(await run.end).toMatchObject({ code: 'stopped', wasLive: false });
    expect(platform.connections).toEqual([]);
  });
});
