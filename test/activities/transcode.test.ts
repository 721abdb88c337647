import { MockActivityEnvironment } from '@temporalio/testing';
import { CancelledFailure } from '@temporalio/common';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPublisherActivities } from '../../activities/publisher.js';
import { createTranscodeActivities, type TranscodeProgress, type TranscodeResult } from '../../activities/transcode.js';
import { isRunning } from '../../media/process/process-identity.js';
import { activitySlots } from '../../workers/activity-slots.js';
import { EncoderBench } from '../media/encoder-bench.js';
import { until } from '../support/until.js';

const KEY = { broadcastId: 'brd_1', epoch: 1 };
const log = pino({ level: 'silent' });

describe('the activity of an encoder', () => {
  let bench: EncoderBench;
  beforeEach(() => {
    bench = new EncoderBench();
  });
  afterEach(() => bench.close());

  it('says how far the encoder is, leaves it running when cancelled, and is taken over by the next run', async () => {
    const activities = createTranscodeActivities(await bench.host());
    const first = new MockActivityEnvironment();
    let progress: TranscodeProgress | undefined;
    first.on('heartbeat', (details?: TranscodeProgress) => (progress = details ?? progress));
    const run = first.run(activities.transcode, bench.input(1)) as Promise<TranscodeResult>;
    run.catch(() => undefined);
    const { pid } = await until(() => progress, 'a heartbeat with progress');
    const record = (await bench.registry.read('brd_1'))!;
    expect(pid).toBe(record.process.pid);
    first.cancel();
    await expect(run).rejects.toThrow(CancelledFailure);
    expect(isRunning(record.process)).toBe(true);

    const next = new MockActivityEnvironment().run(activities.transcode, bench.input(1)) as Promise<TranscodeResult>;
    const waiting = new MockActivityEnvironment().run(activities.awaitPlayable, KEY);
    bench.playable = true;
    await waiting;
    await activities.stopTranscode(KEY);
    expect(await next).toMatchObject({ reason: 'stopped' });
    expect(isRunning(record.process)).toBe(false);
  });

  it('ends at once when nobody waits for a picture any more', async () => {
    const activities = createTranscodeActivities(await bench.host());
    const env = new MockActivityEnvironment();
    const waiting = env.run(activities.awaitPlayable, KEY);
    waiting.catch(() => undefined);
    env.cancel();
    await expect(waiting).rejects.toThrow(CancelledFailure);
  });
});

describe('whether a publisher is there', () => {
  const publish = { publishId: 'pub', streamId: 'str_1' };
  const activitiesOf = (publisher: () => Promise<unknown>) => createPublisherActivities({ ingest: { publisher } as never, log });

  it.each([
    ['there, however long it is silent', { idleMs: 60_000 }, true],
    ['gone', null, false],
  ])('is answered by the ingest alone, as soon as that answers: %s', async (_what, status, present) => {
    let asked = 0;
    const { findPublisher } = activitiesOf(async () => {
      asked += 1;
      if (asked < 3) throw new Error('no answer');
      return status;
    });
    expect(await new MockActivityEnvironment().run(findPublisher, publish)).toEqual({ present });
    expect(asked).toBe(3);
  });

  it('is asked no more once the question is cancelled', async () => {
    let asked = 0;
    const { findPublisher } = activitiesOf(async () => {
      asked += 1;
      throw new Error('no answer');
    });
    const env = new MockActivityEnvironment();
    const answer = env.run(findPublisher, publish);
    answer.catch(() => undefined);
    await until(() => asked === 1, 'the first question');
    env.cancel();
    await expect(answer).rejects.toThrow(CancelledFailure);
    expect(asked).toBe(1);
  });
});

describe('the slots of a media worker', () => {
  it.each([
    [1, 1],
    [16, 500],
    [1000, 5000],
  ])('with %i broadcasts and %i restreams, all waiting twice over, leave room for commands', (maxBroadcasts, maxRestreams) => {
    const ENCODERS = ['transcode', 'awaitPlayable', 'findPublisher'];
    const RESTREAMS = ['restream', 'awaitRestreamLive'];
    const waiting = 2 * (ENCODERS.length * maxBroadcasts + RESTREAMS.length * maxRestreams);
    expect(activitySlots({ maxBroadcasts, maxRestreams }) - waiting).toBeGreaterThanOrEqual(50);
  });
});
