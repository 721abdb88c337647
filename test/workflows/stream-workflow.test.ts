import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deleteUpdate, disableUpdate, enableUpdate, endUpdate, stateQuery, streamKeyRotatedSignal } from '../../workflows/messages.js';
import { until } from '../support/until.js';
import { SOURCE, WorkflowBench } from './support.js';

let bench: WorkflowBench;
beforeEach(async () => {
  bench = await WorkflowBench.create();
});
afterEach(async () => {
  await bench.close();
});

const liveStream = () => bench.live();

describe('a one-shot stream', () => {
  it('goes through connecting, live, ending and ended, in the defined order, and completes', async () => {
    const { stage } = bench;
    const stream = await bench.start();
    await stream.publish(1);
    await stage.encoder(1, { playable: false });
    await until(() => stage.status === 'connecting', 'connecting');
    await stage.encoder(1);
    await until(() => stage.status === 'live', 'live');
    const result = await stream.handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] });
    expect(result.alreadyEnded).toBe(false);
    const state = await stream.handle.result();
    expect(state.status).toBe('ended');
    expect(stage.eventTypes).toEqual(['stream.created', 'stream.connected', 'stream.live', 'stream.ending', 'stream.ended']);
    expect(stage.events.map((event) => event.sequence)).toEqual([1, 2, 3, 4, 5]);
    expect(stage.events.slice(3).map((event) => event.cause)).toEqual(['api', 'api']);
    expect(stage.calls.slice(0, 4)).toEqual(['transcode 1', 'stopTranscode', 'finishPlaylists', 'disconnect pub-1']);
  });

  it('that is ended before it was ever live is ended, without a broadcast', async () => {
    const stream = await bench.start();
    await stream.handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] });
    expect((await stream.handle.result()).status).toBe('ended');
    expect(bench.stage.eventTypes).toEqual(['stream.created', 'stream.ended']);
    expect(bench.stage.calls).toEqual([]);
  });

  it('ended twice at once is ended once', async () => {
    const { handle } = await liveStream();
    const results = await Promise.all([1, 2, 3].map(() => handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] })));
    expect(results.every((result) => result.alreadyEnded === false)).toBe(true);
    await handle.result();
    expect(bench.stage.eventTypes.filter((type) => type === 'stream.ended')).toHaveLength(1);
  });

  it('cancelled by an operator ends in the same order', async () => {
    const { handle } = await liveStream();
    await handle.cancel();
    expect((await handle.result()).status).toBe('ended');
    expect(bench.stage.events.at(-1)).toMatchObject({ type: 'stream.ended', cause: 'operator' });
    expect(bench.stage.calls.slice(1, 4)).toEqual(['stopTranscode', 'finishPlaylists', 'disconnect pub-1']);
  });
});

describe('the reconnect window', () => {
  it('shows the slate meanwhile, and takes the publisher into that encoder when it is back as it was', async () => {
    const { stage } = bench;
    const { unpublish, publish, publisher, encoder } = await liveStream();
    await unpublish(publisher);
    const slate = await stage.encoder(2);
    expect(slate.input).toMatchObject({ epoch: 2, broadcastId: encoder.input.broadcastId, programme: true, source: SOURCE });
    await until(() => stage.status === 'reconnecting', 'reconnecting');
    await publish(2);
    await until(() => stage.status === 'live', 'live again');
    expect(stage.eventTypes.slice(-2)).toEqual(['stream.reconnecting', 'stream.reconnected']);
    await unpublish({ ...publisher, publishId: 'pub-2', publishSeq: 2 });
    await until(() => stage.status === 'reconnecting', 'reconnecting again');
    expect(stage.encoders).toHaveLength(2);
  });

  it('starts the next encoder when the publisher is back with another picture', async () => {
    const { stage } = bench;
    const { unpublish, publish, publisher } = await liveStream();
    await unpublish(publisher);
    await stage.encoder(2);
    await publish(2, { source: { ...SOURCE, video: { codec: 'h264', width: 640, height: 360, frameRate: 30 } } });
    const third = await stage.encoder(3);
    await until(() => stage.status === 'live', 'live again');
    expect(third.input).toMatchObject({ epoch: 3, publishId: 'pub-2', programme: false });
  });

  it('starts the next encoder when the slate has failed, or there was none to be had', async () => {
    const { stage } = bench;
    const { unpublish, publish, publisher } = await liveStream();
    await unpublish(publisher);
    (await stage.encoder(2)).finish({ reason: 'crashed', detail: 'Killed', mediaSeconds: 1 });
    const second = await publish(2);
    await until(() => stage.encoders.length >= 3 || stage.status === 'live', 'the next encoder');
    expect((await stage.encoder(3)).input).toMatchObject({ publishId: 'pub-2', programme: false });
    await until(() => stage.status === 'live', 'live again');
    await unpublish(second);
    const slate = await stage.encoder(4, { playable: false });
    await publish(3);
    slate.finish({ reason: 'source_gone', detail: '', mediaSeconds: 0 });
    expect((await stage.encoder(5)).input).toMatchObject({ epoch: 5, publishId: 'pub-3', programme: false });
    await until(() => stage.status === 'live', 'live once more');
  });

  it('ends the broadcast with that cause when nobody comes back', async () => {
    bench.stage.settings = { ...bench.stage.settings, reconnectWindowSeconds: 5 };
    const { handle, unpublish, publisher } = await liveStream();
    await unpublish(publisher);
    await until(() => bench.stage.status === 'reconnecting', 'reconnecting');
    await bench.env.sleep('6 seconds');
    expect((await handle.result()).status).toBe('ended');
    expect(bench.stage.events.at(-1)).toMatchObject({ type: 'stream.ended', cause: 'reconnect_window_over' });
  });

  it('is not begun by a late or repeated message of an older publisher', async () => {
    const { stage } = bench;
    const { handle, publish, unpublish, publisher } = await liveStream();
    await publish(2);
    await stage.encoder(2, { playable: false });
    await unpublish(publisher);
    await publish(1, { eventId: 'late' });
    await publish(2, { eventId: publisher.eventId });
    const state = await handle.query(stateQuery);
    expect(state.status).toBe('live');
    expect(stage.encoders).toHaveLength(2);
  });

  it('begins when the encoder ran dry and the ingest never says a word', async () => {
    const { encoder } = await liveStream();
    encoder.finish({ reason: 'source_gone', detail: '', mediaSeconds: 3 });
    await bench.env.sleep('6 seconds');
    await until(() => bench.stage.status === 'reconnecting', 'reconnecting');
  });
});

describe('an encoder that fails', () => {
  it('is started again at once, in the same broadcast, which stays live', async () => {
    const { stage } = bench;
    const { encoder } = await liveStream();
    encoder.finish({ reason: 'crashed', detail: 'Segmentation fault', mediaSeconds: 3 });
    const second = await stage.encoder(2, { playable: false });
    expect(second.input).toMatchObject({ epoch: 2, broadcastId: encoder.input.broadcastId });
    await until(() => stage.eventTypes.includes('stream.health'), 'the health event');
    expect(stage.status).toBe('live');
    expect(stage.events.at(-1)?.data).toMatchObject({ problem: 'encoder_crashed', detail: 'Segmentation fault' });
  });

  it('and brings no picture again for seconds makes the stream reconnecting; its next picture makes it live', async () => {
    const { stage } = bench;
    const { encoder } = await liveStream();
    encoder.finish({ reason: 'stalled', detail: '', mediaSeconds: 3 });
    const second = await stage.encoder(2, { playable: false });
    await until(() => stage.status === 'reconnecting', 'reconnecting');
    expect(stage.events.at(-1)).toMatchObject({ type: 'stream.reconnecting', data: { problem: 'no_picture' } });
    await second.becomePlayable();
    await until(() => stage.status === 'live', 'live again');
    expect(stage.eventTypes.slice(-3)).toEqual(['stream.health', 'stream.reconnecting', 'stream.reconnected']);
  });

  it('again and again before anything could be played fails the stream with its last words', async () => {
    const { stage } = bench;
    const stream = await bench.start();
    await stream.publish(1);
    for (const number of [1, 2, 3]) {
      const encoder = await stage.encoder(number, { playable: false });
      encoder.finish({ reason: 'crashed', detail: `failure ${number}`, mediaSeconds: 0 });
      await bench.env.sleep('1 second');
    }
    expect((await stream.handle.result()).status).toBe('ended');
    expect(stage.events.find((event) => event.type === 'stream.failed')).toMatchObject({
      cause: 'encoder_failed',
      data: { detail: 'failure 3' },
    });
    expect(stage.encoders).toHaveLength(3);
  });
});

describe('limits', () => {
  it('end a broadcast at its maximum duration', async () => {
    bench.stage.settings.maxDurationSeconds = 20;
    const { handle } = await liveStream();
    await bench.env.sleep('21 seconds');
    await handle.result();
    expect(bench.stage.events.at(-1)).toMatchObject({ type: 'stream.ended', cause: 'max_duration' });
  });

  it('delete the segments of an ended broadcast when their time is over', async () => {
    bench.stage.retentionHours = 0.01;
    const { handle, encoder } = await liveStream();
    await handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] });
    await handle.result();
    const { broadcastId } = encoder.input;
    expect(bench.stage.calls).not.toContain(`deleteMedia ${broadcastId}`);
    await bench.env.sleep('40 seconds');
    await until(() => bench.stage.calls.includes(`markMediaDeleted ${broadcastId}`), 'the deletion');
    expect(bench.stage.calls).toContain(`deleteMedia ${broadcastId}`);
  });
});

describe('a reusable stream', () => {
  it('returns to idle and opens a new broadcast in a new run that remembers its numbers', async () => {
    const { stage } = bench;
    stage.settings.reusable = true;
    const { handle, publish, encoder } = await liveStream();
    await handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] });
    await until(() => stage.status === 'idle', 'idle');
    await publish(2);
    const second = await stage.encoder(2);
    expect(second.input.epoch).toBe(1);
    expect(second.input.broadcastId).not.toBe(encoder.input.broadcastId);
    await until(() => stage.status === 'live', 'live again');
    expect(stage.events.map((event) => event.sequence)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(stage.eventTypes.filter((type) => type === 'stream.created')).toHaveLength(1);
    const versions = stage.projections.map((projection) => projection.version);
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
  });

  it('that is idle has nothing to end and goes on', async () => {
    bench.stage.settings.reusable = true;
    const stream = await bench.start();
    const result = await stream.handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] });
    expect(result).toEqual({ alreadyEnded: true, status: 'idle' });
    await stream.publish(1);
    await bench.stage.encoder(1);
    await until(() => bench.stage.status === 'live', 'live');
  });

  it('that was disabled ends its broadcast, sends publishers away, and takes them again once enabled', async () => {
    const { stage } = bench;
    stage.settings.reusable = true;
    const { handle, publish } = await liveStream();
    await handle.executeUpdate(disableUpdate);
    await until(() => stage.status === 'idle', 'idle');
    expect(stage.projections.at(-1)?.disabled).toBe(true);
    await publish(2);
    await until(() => stage.calls.includes('disconnect pub-2'), 'the refusal');
    expect((await handle.executeUpdate(enableUpdate)).disabled).toBe(false);
    await publish(3);
    await stage.encoder(2);
    await until(() => stage.status === 'live', 'live again');
  });
});

describe('commands', () => {
  it('delete: a live stream is ended first, then its files and rows go', async () => {
    const { handle, encoder } = await liveStream();
    await handle.executeUpdate(deleteUpdate);
    const { streamId } = await handle.result();
    expect(bench.stage.events.at(-1)).toMatchObject({ type: 'stream.ended', cause: 'deleted' });
    expect(bench.stage.calls.slice(-2)).toEqual([`deleteMedia ${encoder.input.broadcastId}`, `purgeStream ${streamId}`]);
  });

  it('key rotation sends the holder of the old key away and waits for the new one', async () => {
    const { handle, publish } = await liveStream();
    await handle.signal(streamKeyRotatedSignal);
    await until(() => bench.stage.status === 'reconnecting', 'reconnecting');
    expect(bench.stage.calls).toContain('disconnect pub-1');
    await publish(2);
    await bench.stage.encoder(2);
    await until(() => bench.stage.status === 'live', 'live again');
  });

  it('are carried out while Postgres is away; the timeline follows complete and in order', async () => {
    const { stage } = bench;
    const { handle } = await liveStream();
    stage.databaseAway = true;
    await handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] });
    await until(() => stage.calls.includes('disconnect pub-1'), 'the end of the media');
    expect(stage.status).toBe('live');
    stage.databaseAway = false;
    await bench.env.sleep('30 seconds');
    await handle.result();
    expect(stage.eventTypes).toEqual(['stream.created', 'stream.connected', 'stream.live', 'stream.ending', 'stream.ended']);
  });
});

describe('a recorded stream', () => {
  it('says when the recording begins and when it is ready, and keeps its segments', async () => {
    const { stage } = bench;
    stage.settings.record = true;
    const { handle } = await liveStream();
    await handle.executeUpdate(endUpdate, { args: [{ cause: 'api' }] });
    await handle.result();
    expect(stage.eventTypes).toEqual([
      'stream.created',
      'stream.connected',
      'stream.live',
      'recording.started',
      'stream.ending',
      'stream.ended',
      'recording.ready',
    ]);
    expect(stage.projections.at(-1)?.recording).toMatchObject({ status: 'ready', durationSeconds: 4 });
  });
});
