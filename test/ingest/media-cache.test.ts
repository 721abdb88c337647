import { describe, expect, it } from 'vitest';
import { MediaCache } from '../../ingest/relay/media-cache.js';

const CONFIGS = { video: Buffer.from('first'), audio: null };
const LATER = { video: Buffer.from('second'), audio: null };
/** Wall clock (ms) of the publish's own time 0. */
const RECEIVED_AT = 1_800_000_000_000;
const tag = (name: string, bytes = 10): Buffer => Buffer.from(name.padEnd(bytes));
const names = (cache: MediaCache): string[] | undefined => cache.start()?.tags.map((bytes) => bytes.toString().trim());

describe('a late reader', () => {
  it('begins at the first keyframe while everything since then is kept', () => {
    const cache = new MediaCache({ cacheBytes: 1000, cacheMs: 1000 });
    cache.add(tag('before any keyframe'), 0, RECEIVED_AT);
    cache.enter(100, CONFIGS);
    cache.add(tag('key 1'), 100, RECEIVED_AT + 100);
    cache.add(tag('frame 1'), 133, RECEIVED_AT + 133);
    cache.enter(600, LATER);
    cache.add(tag('key 2'), 600, RECEIVED_AT + 600);
    expect(names(cache)).toEqual(['key 1', 'frame 1', 'key 2']);
    expect(cache.start()).toMatchObject({ startMs: 100, receivedAt: RECEIVED_AT + 100, configs: CONFIGS });
  });

  it.each([
    ['the time', { cacheBytes: 1000, cacheMs: 400 }],
    ['the bytes', { cacheBytes: 25, cacheMs: 10_000 }],
  ])('begins at the newest keyframe after %s allowed are over', (_name, limits) => {
    const cache = new MediaCache(limits);
    cache.enter(100, CONFIGS);
    cache.add(tag('key 1'), 100, RECEIVED_AT + 100);
    cache.add(tag('frame 1'), 133, RECEIVED_AT + 133);
    cache.enter(600, LATER);
    cache.add(tag('key 2'), 600, RECEIVED_AT + 600);
    expect(names(cache)).toEqual(['key 2']);
    expect(cache.start()).toMatchObject({ startMs: 600, receivedAt: RECEIVED_AT + 600, configs: LATER });
    cache.enter(700, LATER);
    cache.add(tag('key 3'), 700, RECEIVED_AT + 700);
    cache.add(tag('frame 3'), 733, RECEIVED_AT + 733);
    expect(names(cache)).toEqual(['key 3', 'frame 3']);
  });

  it('goes on from the keyframe before a time, as long as the next one is the newest', () => {
    const cache = new MediaCache({ cacheBytes: 1000, cacheMs: 100 });
    for (const [index, timeMs] of [100, 600, 1100].entries()) {
      cache.enter(timeMs, CONFIGS);
      cache.add(tag(`key ${index}`), timeMs, RECEIVED_AT + timeMs);
      cache.add(tag(`frame ${index}`), timeMs + 101, RECEIVED_AT + timeMs + 101);
    }
    const since = (timeMs: number) => cache.since(timeMs)?.tags.map((bytes) => bytes.toString().trim());
    expect(since(1150)).toEqual(['key 2', 'frame 2']);
    expect(since(700)).toEqual(['key 1', 'frame 1', 'key 2', 'frame 2']);
    expect(cache.since(700)?.receivedAt).toBe(RECEIVED_AT + 600);
    expect(since(300)).toEqual(['key 2', 'frame 2']);
    expect(names(cache)).toEqual(['key 2', 'frame 2']);
  });

  it('is told when the first frame came in, or would have, had the encoder not been late with it', () => {
    const cache = new MediaCache({ cacheBytes: 1000, cacheMs: 10_000 });
    cache.enter(100, CONFIGS);
    cache.add(tag('key 1'), 100, RECEIVED_AT + 400);
    expect(cache.start()?.receivedAt).toBe(RECEIVED_AT + 400);
    cache.add(tag('frame 1'), 133, RECEIVED_AT + 401);
    expect(cache.start()?.receivedAt).toBe(RECEIVED_AT + 368);
    cache.enter(600, LATER);
    cache.add(tag('key 2'), 600, RECEIVED_AT + 602);
    expect(cache.start()?.receivedAt).toBe(RECEIVED_AT + 102);
    cache.add(tag('frame 2'), 633, RECEIVED_AT + 900);
    expect(cache.start()?.receivedAt).toBe(RECEIVED_AT + 102);
    expect(cache.newest()?.receivedAt).toBe(RECEIVED_AT + 602);
  });

  it('waits for the next keyframe when one group of pictures alone is too large', () => {
    const cache = new MediaCache({ cacheBytes: 100, cacheMs: 10_000 });
    cache.enter(0, CONFIGS);
    for (let index = 0; index < 20; index += 1) cache.add(tag(`frame ${index}`), index * 33, RECEIVED_AT + index * 33);
    expect(cache.start()).toBeNull();
    cache.enter(1000, CONFIGS);
    cache.add(tag('key'), 1000, RECEIVED_AT + 1000);
    expect(names(cache)).toEqual(['key']);
  });
});
