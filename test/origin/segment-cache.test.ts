import { describe, expect, test } from 'vitest';
import { SegmentCache } from '../../origin/store/segment-cache.js';

const segment = (bytes: number): Buffer => Buffer.alloc(bytes, 7);

describe('segments in memory', () => {
  test('are bounded by bytes over all broadcasts, and the oldest goes first', () => {
    const cache = new SegmentCache(1000);
    for (const path of ['a/0', 'b/0', 'a/1', 'b/1', 'a/2']) cache.put(path, segment(300));
    expect(cache.bytes).toBe(900);
    expect(['a/0', 'b/0', 'a/1', 'b/1', 'a/2'].map((path) => cache.get(path)?.length)).toEqual([undefined, undefined, 300, 300, 300]);
    cache.put('a/1', segment(100));
    expect(cache.bytes).toBe(700);
    cache.deleteUnder('a/');
    expect([cache.bytes, cache.get('a/2'), cache.get('b/1')?.length]).toEqual([300, undefined, 300]);
  });

  test('keep nothing alive but themselves: of a view of more, the bytes are copied', () => {
    const cache = new SegmentCache(1_000_000);
    const large = segment(200_000);
    cache.put('view', large.subarray(1000, 6000));
    cache.put('pooled', Buffer.from('one of many in the pool of small buffers'));
    for (const path of ['view', 'pooled']) expect(cache.get(path)!.buffer.byteLength).toBe(cache.get(path)!.length);
    expect(cache.get('view')).toEqual(large.subarray(1000, 6000));
    cache.put('whole', large);
    expect(cache.get('whole')).toBe(large);
  });
});
