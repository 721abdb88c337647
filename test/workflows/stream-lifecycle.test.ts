import { describe, expect, it } from 'vitest';
import type { PublishStarted, PublishStopped } from '../../workflows/messages.js';
import { StreamLifecycle } from '../../workflows/stream-lifecycle.js';
import { HOST_ID, SOURCE } from './support.js';

type Message = { started: PublishStarted } | { stopped: PublishStopped };

const started = (publishSeq: number, eventId = `start-${publishSeq}`): Message => ({
  started: {
    eventId,
    streamId: 'str_1',
    publishId: `pub-${publishSeq}`,
    publishSeq,
    hostId: HOST_ID,
    source: SOURCE,
    remoteAddress: '192.0.2.1:5000',
  },
});
const stopped = (publishSeq: number, eventId = `stop-${publishSeq}`): Message => ({
  stopped: { eventId, publishId: `pub-${publishSeq}`, publishSeq, reason: 'closed' },
});

describe('messages of the ingest', () => {
  it.each<[string, Message[], number | null]>([
    ['a start', [started(1)], 1],
    ['a start and its stop', [started(1), stopped(1)], null],
    ['a return', [started(1), stopped(1), started(2)], 2],
    ['a return that is heard before the stop', [started(1), started(2), stopped(1)], 2],
    ['a stop that is heard twice, once after the return', [started(1), stopped(1), started(2), stopped(1)], 2],
    ['a stop of an older publisher that was never heard of', [started(2), stopped(1)], 2],
    ['a stop that was repeated with another id', [started(1), stopped(1), started(2), stopped(1, 'again')], 2],
    ['a start that is heard twice', [started(1), started(1), stopped(1)], null],
    ['a start that is repeated after its stop', [started(1), stopped(1), started(1)], null],
    ['a start that is repeated after its stop with another id', [started(1), stopped(1), started(1, 'again')], null],
    ['a start that comes after the one that replaced it', [started(2), started(1)], 2],
    ['a stop with the id of a message that was heard', [started(2, 'same'), stopped(2, 'same')], 2],
  ])('%s', (_name, messages, present) => {
    const life = new StreamLifecycle({ streamId: 'str_1' });
    for (const message of messages) {
      if ('started' in message) life.publishStarted(message.started);
      else life.publishStopped(message.stopped);
    }
    expect(life.publisher?.publishSeq ?? null).toBe(present);
  });

  it('are known again by the run that continues this one', () => {
    const life = new StreamLifecycle({ streamId: 'str_1' });
    const [first, end] = [started(1), stopped(1)];
    if ('started' in first) life.publishStarted(first.started);
    const next = new StreamLifecycle({ streamId: 'str_1', carried: life.carry() });
    if ('started' in first) next.publishStarted(first.started);
    expect(next.publisher?.publishSeq).toBe(1);
    if ('stopped' in end) next.publishStopped(end.stopped);
    expect(next.publisher).toBeNull();
  });
});
