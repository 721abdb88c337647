import { describe, expect, it } from 'vitest';
import type { PublishStarted, PublishStopped } from '../../../domain/contracts/publishing.js';
import type { Fact } from '../../../domain/lifecycle/facts.js';
import { newLife, type StreamLife } from '../../../domain/lifecycle/life.js';
import { next } from '../../../domain/lifecycle/next.js';

type Message = { started: PublishStarted } | { stopped: PublishStopped };

const started = (publishSeq: number, eventId = `start-${publishSeq}`): Message => ({
  started: {
    eventId,
    streamId: 'str_1',
    publishId: `pub-${publishSeq}`,
    publishSeq,
    hostId: 'host',
    source: { video: { codec: 'h264', width: 1280, height: 720, frameRate: 30 }, audio: null },
    remoteAddress: '192.0.2.1:5000',
  },
});
const stopped = (publishSeq: number, eventId = `stop-${publishSeq}`): Message => ({
  stopped: { eventId, publishId: `pub-${publishSeq}`, publishSeq, reason: 'closed' },
});

const factOf = (message: Message): Fact =>
  'started' in message ? { kind: 'publishStarted', ...message } : { kind: 'publishStopped', ...message };
const hear = (life: StreamLife, messages: readonly Message[]): StreamLife =>
  messages.reduce((heard, message, index) => next(heard, factOf(message), { now: index, newId: () => String(index) }), life);

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
    expect(hear(newLife('str_1'), messages).publisher?.publishSeq ?? null).toBe(present);
  });

  it('bring back a publisher that was taken for gone, but none that has left', () => {
    const doubted: StreamLife = { ...hear(newLife('str_1'), [started(1)]), publisher: null };
    expect(hear(doubted, [started(1, 'repeated')]).publisher?.publishSeq).toBe(1);
    expect(hear(hear(doubted, [stopped(1)]), [started(1, 'repeated')]).publisher).toBeNull();
  });
});
