import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { type BeliefVerdict, compareBelief, type StreamBelief } from '../../ingest/publish/belief.js';
import { BeliefRounds } from '../../ingest/publish/belief-rounds.js';
import { until } from '../support/until.js';
import { nextStart, publish, startTestIngest, type TestIngest } from './support.js';

const OWN = { publishId: 'pub_own', streamId: 'str_1', publishSeq: 10 };
const own = (publishSeq = 10) => ({ publishId: 'pub_own', publishSeq, hostId: 'a' });
const other = (publishSeq: number) => ({ publishId: 'pub_other', publishSeq, hostId: 'b' });

describe('what a workflow believes, compared with the publisher that is there:', () => {
  it.each<[string, StreamBelief | null, BeliefVerdict]>([
    ['there is no such workflow', null, 'tell'],
    ['it knows this publish', { status: 'live', publisher: own(), lastPublishSeq: 10 }, 'agree'],
    ['it knows this publish by the number it had', { status: 'live', publisher: own(9), lastPublishSeq: 9 }, 'agree'],
    ['it believes that nobody publishes', { status: 'reconnecting', publisher: null, lastPublishSeq: 10 }, 'tell'],
    ['it is idle and has not heard of it', { status: 'idle', publisher: null, lastPublishSeq: 9 }, 'tell'],
    ['it never heard of any', { status: 'idle', publisher: null, lastPublishSeq: 0 }, 'tell'],
    ['it remembers a higher number', { status: 'reconnecting', publisher: null, lastPublishSeq: 11 }, 'renumber'],
    ['it believes in an older publish', { status: 'live', publisher: other(9), lastPublishSeq: 9 }, 'tell'],
    ['it believes in an older publish and remembers a newer', { status: 'live', publisher: other(9), lastPublishSeq: 11 }, 'renumber'],
    ['a newer publish has taken over', { status: 'live', publisher: other(11), lastPublishSeq: 11 }, 'superseded'],
    ['it has sent it away', { status: 'idle', publisher: null, lastPublishSeq: 10, stoppedSeq: 10 }, 'dismissed'],
    ['it sends it away just now', { status: 'ending', publisher: null, lastPublishSeq: 10, stoppedSeq: 10 }, 'agree'],
    ['an older one has left for certain', { status: 'reconnecting', publisher: null, lastPublishSeq: 10, stoppedSeq: 9 }, 'tell'],
    ['it is just ending the broadcast', { status: 'ending', publisher: null, lastPublishSeq: 10 }, 'agree'],
    ['the stream has ended', { status: 'ended', publisher: null, lastPublishSeq: 10 }, 'over'],
    ['it is a run from before it said', { status: 'live' }, 'agree'],
    ['it is an ended run from before it said', { status: 'ended' }, 'over'],
  ])('%s', (_name, belief, verdict) => {
    expect(compareBelief(belief, OWN)).toBe(verdict);
  });
});

describe('rounds of questions', () => {
  const PERIOD_MS = 10_000;
  const SECONDS = 60;

  /** Asked about so often, and when; each question is answered before the next tick. */
  async function run(count: number, hurryAt: number | null = null) {
    const asked: { publisher: number; at: number }[] = [];
    let now = 0;
    const log = pino({ level: 'silent' });
    const publishers = Array.from({ length: count }, (_value, publisher) => ({
      compare: () => {
        asked.push({ publisher, at: now });
        return Promise.resolve();
      },
    }));
    const rounds = new BeliefRounds({ publishers: () => publishers, periodMs: PERIOD_MS, log, clock: () => now });
    for (; now < SECONDS * 1000; now += 250) {
      if (now === hurryAt) rounds.hurry();
      rounds.tick();
      await Promise.resolve().then(() => new Promise((resolve) => setImmediate(resolve)));
    }
    return asked;
  }

  it('come to every publisher once a period, give or take a fifth, and never to many at once', async () => {
    const asked = await run(100);
    for (let publisher = 0; publisher < 100; publisher += 1) {
      const times = asked.filter((question) => question.publisher === publisher).map(({ at }) => at);
      const gaps = times.map((at, index) => at - (times[index - 1] ?? 0));
      expect(times.length).toBeGreaterThanOrEqual(4);
      for (const gap of gaps) {
        expect(gap).toBeGreaterThanOrEqual(0.8 * PERIOD_MS);
        expect(gap).toBeLessThanOrEqual(1.5 * PERIOD_MS);
      }
    }
    for (let at = 0; at < SECONDS * 1000; at += 250) {
      expect(asked.filter((question) => question.at === at).length).toBeLessThanOrEqual(8);
    }
  });

  it('come to everyone at once after the process stood still, eight at a time', async () => {
    const asked = await run(40, 1000);
    const early = asked.filter(({ at }) => at < 3000);
    expect(new Set(early.map(({ publisher }) => publisher)).size).toBe(40);
    expect(early.filter(({ at }) => at === 1000)).toHaveLength(8);
  });

  it('never come twice at once to one that does not answer, and leave the others their turn', async () => {
    let asked = 0;
    let others = 0;
    let now = 0;
    const silent = { compare: () => new Promise<void>(() => void (asked += 1)) };
    const answering = { compare: () => Promise.resolve(void (others += 1)) };
    const log = pino({ level: 'silent' });
    const rounds = new BeliefRounds({ publishers: () => [silent, answering], periodMs: PERIOD_MS, log, clock: () => now });
    for (; now < SECONDS * 1000; now += 250) {
      rounds.tick();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(asked).toBe(1);
    expect(others).toBeGreaterThanOrEqual(4);
  });
});

describe('a publisher', () => {
  const KEY = 'sk_believed';
  const STREAM = 'str_1';
  let ingest: TestIngest;
  afterEach(async () => ingest.close());
  const start = async (beliefMs: number) => {
    ingest = await startTestIngest({ [KEY]: STREAM }, { beliefMs });
    const encoder = publish(ingest.rtmpUrl(KEY), { seconds: 60 });
    return { encoder, first: await nextStart(ingest) };
  };
  const lost = (lastPublishSeq: number): StreamBelief => ({ status: 'reconnecting', publisher: null, lastPublishSeq });

  it('its workflow has lost is told again, as the same publish, until it is known; then only asked about', async () => {
    const { encoder, first } = await start(100);
    ingest.signals.beliefs.set(STREAM, lost(first.publishSeq));
    const again = await nextStart(ingest, 2);
    expect(again).toEqual({ ...first, eventId: again.eventId });
    expect(again.eventId).not.toBe(first.eventId);
    await nextStart(ingest, 3);
    ingest.signals.beliefs.delete(STREAM);
    // A comparison that began before may tell once more.
    const before = ingest.signals.asked.length;
    await until(() => ingest.signals.asked.length > before + 1, 'further questions');
    const told = ingest.signals.started.length;
    const asked = ingest.signals.asked.length;
    await until(() => ingest.signals.asked.length > asked + 3, 'further questions');
    expect(ingest.signals.started).toHaveLength(told);
    encoder.child.kill('SIGINT');
    await encoder.exited;
    await until(() => ingest.signals.stopped.length > 0, 'the end to be told');
    expect(ingest.signals.stopped).toMatchObject([{ publishId: first.publishId, publishSeq: first.publishSeq }]);
  });

  it('is told under a new number when its workflow remembers a higher one, and stops under that', async () => {
    const { encoder, first } = await start(100);
    ingest.signals.beliefs.set(STREAM, lost(first.publishSeq + 100));
    const again = await nextStart(ingest, 2);
    ingest.signals.beliefs.delete(STREAM);
    expect(again).toMatchObject({ publishId: first.publishId, publishSeq: first.publishSeq + 101 });
    encoder.child.kill('SIGINT');
    await encoder.exited;
    await until(() => ingest.signals.stopped.length > 0, 'the end to be told');
    expect(ingest.signals.stopped[0]!.publishSeq).toBe(ingest.signals.started.at(-1)!.publishSeq);
  });

  it('of a stream that has ended is refused', async () => {
    const { encoder } = await start(100);
    ingest.signals.beliefs.set(STREAM, { status: 'ended', publisher: null, lastPublishSeq: 1 });
    expect(await encoder.exited).not.toBe(0);
    expect(encoder.stderr()).toContain('The stream has ended');
  });

  it('is asked about right after this process stood still', async () => {
    const { encoder, first } = await start(3_600_000);
    ingest.signals.beliefs.set(STREAM, lost(first.publishSeq));
    expect(ingest.signals.asked).toEqual([]);
    // The event loop of this very process, as a stopped machine stops it.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
    const again = await nextStart(ingest, 2);
    expect(again.publishSeq).toBe(first.publishSeq);
    encoder.child.kill('SIGKILL');
    await encoder.exited;
  });

  it('is left alone while nobody answers, and asked about again', async () => {
    const { encoder } = await start(50);
    ingest.signals.failure = new Error('no worker');
    const before = ingest.signals.asked.length;
    await until(() => ingest.signals.asked.length > before + 3, 'further questions');
    expect(ingest.logged.filter((line) => line.includes('did not say what it believes'))).toHaveLength(1);
    ingest.signals.failure = null;
    await until(() => ingest.logged.join('').includes('workflows answer again'), 'an answer');
    expect(ingest.signals.started).toHaveLength(1);
    encoder.child.kill('SIGKILL');
    await encoder.exited;
  });
});
