import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HostCheck, type HostCheckDeps } from '../../media/host/host-check.js';
import {
  dueBroadcasts,
  isUnwanted,
  observeUnwanted,
  UNWANTED_BROADCAST_LIMIT_MS,
  type HostedBroadcast,
  type HostedProcess,
  type StreamView,
} from '../../media/host/leftovers.js';
import { isRunning } from '../../media/process/process-identity.js';
import { until } from '../support/until.js';
import { EncoderBench } from './encoder-bench.js';

const HOST = 'here';
const ids = { streamId: 'str_1', broadcastId: 'brd_1' };
const ENCODER: HostedProcess = { kind: 'encoder', ...ids, epoch: 3, detachedMs: 40_000 };
const RESTREAM: HostedProcess = { kind: 'restream', ...ids, destinationId: 'dst_1', epoch: 2, detachedMs: 40_000 };
const BROADCAST: HostedBroadcast = { kind: 'broadcast', ...ids };
const encoder = { broadcastId: 'brd_1', hostId: HOST, epoch: 3 };
const LIVE: StreamView = { status: 'live', broadcastId: 'brd_1', hostId: HOST, encoder };
/** As runs from before hosts compared answer. */
const OLD: StreamView = { status: 'live', broadcastId: 'brd_1', hostId: HOST };

describe('what a host has', () => {
  it.each<[string, StreamView | 'gone', { encoder: boolean; restream: boolean; broadcast: boolean }]>([
    ['is wanted as it is', LIVE, { encoder: false, restream: false, broadcast: false }],
    ['of a workflow that says little is left alone', OLD, { encoder: false, restream: false, broadcast: false }],
    ['of a workflow that is gone is not wanted', 'gone', { encoder: true, restream: true, broadcast: true }],
    ['of another broadcast', { ...LIVE, broadcastId: 'brd_2' }, { encoder: true, restream: true, broadcast: true }],
    ['of no broadcast', { ...OLD, status: 'idle', broadcastId: null, hostId: null }, { encoder: true, restream: true, broadcast: true }],
    ['of one that ends', { ...LIVE, status: 'ending' }, { encoder: false, restream: false, broadcast: false }],
    [
      'of one that ends before the next',
      { ...OLD, status: 'ending', broadcastId: 'brd_2' },
      { encoder: true, restream: true, broadcast: false },
    ],
    ['of another encoder', { ...LIVE, encoder: { ...encoder, epoch: 4 } }, { encoder: true, restream: false, broadcast: false }],
    ['of no encoder', { ...LIVE, encoder: null }, { encoder: true, restream: false, broadcast: false }],
    [
      'of a broadcast that goes on elsewhere',
      { ...LIVE, hostId: 'there', encoder: { ...encoder, hostId: 'there' } },
      { encoder: true, restream: true, broadcast: false },
    ],
  ])('%s', (_name, view, expected) => {
    const unwanted = (found: HostedProcess | HostedBroadcast): boolean => isUnwanted(found, view, HOST);
    expect({ encoder: unwanted(ENCODER), restream: unwanted(RESTREAM), broadcast: unwanted(BROADCAST) }).toEqual(expected);
  });

  it('is a broadcast nobody wants only after it was so without a break', () => {
    const seen = observeUnwanted(new Map(), ['brd_1', 'brd_2'], 0);
    const later = observeUnwanted(seen, ['brd_1'], UNWANTED_BROADCAST_LIMIT_MS);
    expect(dueBroadcasts(later, UNWANTED_BROADCAST_LIMIT_MS)).toEqual([]);
    const last = observeUnwanted(later, ['brd_1', 'brd_2'], UNWANTED_BROADCAST_LIMIT_MS + 1);
    expect(dueBroadcasts(last, UNWANTED_BROADCAST_LIMIT_MS + 1)).toEqual(['brd_1']);
  });
});

describe('a look at the host', () => {
  let bench: EncoderBench;
  beforeEach(() => {
    bench = new EncoderBench();
  });
  afterEach(() => bench.close());

  const NONE = { list: () => [], stop: () => Promise.reject(new Error('nothing to stop')) };

  /** Of encoders that have been left for longer than is waited for. */
  async function check(changes: Partial<HostCheckDeps>) {
    const host = await bench.host();
    const origin = { listOpen: async () => ({ broadcasts: [] }) } as unknown as HostCheckDeps['origin'];
    const encoders = { list: () => host.list().map((found) => ({ ...found, detachedMs: 60_000 })), stop: host.stop.bind(host) };
    const log = pino({ level: 'silent' });
    const deps = { hostId: HOST, encoders, restreams: NONE, origin, viewOf: async () => 'gone' as const, log, ...changes };
    return { look: new HostCheck(deps) };
  }

  async function running(broadcastId: string) {
    const host = await bench.host();
    host.attach(bench.input(1, broadcastId)).detach();
    const record = await until(() => bench.registry.read(broadcastId), 'its record');
    host.close();
    return record;
  }

  it('ends the encoders of broadcasts that are over, and no other', async () => {
    const [over, open, reused] = [await running('brd_over'), await running('brd_open'), await running('brd_reused')];
    // A record whose pid belongs to another process by now: that one is not touched.
    const longAgo = { broadcastId: 'brd_long_ago', input: bench.input(1, 'brd_long_ago') };
    await bench.registry.write({ ...reused, ...longAgo, process: { ...reused.process, startedAt: '1' } });
    const views: Record<string, StreamView> = {
      brd_open: { ...OLD, broadcastId: 'brd_open' },
      brd_reused: { ...OLD, broadcastId: 'brd_reused' },
    };
    for (const [broadcastId, view] of Object.entries(views)) {
      const record = (await bench.registry.read(broadcastId))!;
      await bench.registry.write({ ...record, input: { ...record.input!, streamId: view.broadcastId! } });
    }
    const { look } = await check({ viewOf: async (streamId) => views[streamId] ?? 'gone' });
    await look.look();
    expect([over, open, reused].map(({ process }) => isRunning(process))).toEqual([false, true, true]);
    expect((await bench.registry.list()).map(({ broadcastId }) => broadcastId).sort()).toEqual(['brd_open', 'brd_reused']);
  });

  it('ends nothing while the workflow cannot be asked', async () => {
    const record = await running('brd_over');
    const broadcasts = [{ broadcastId: 'brd_over', streamId: 'str_1', epoch: 1, state: 'open' as const }];
    const ends: string[] = [];
    const origin = {
      listOpen: async () => ({ broadcasts }),
      end: async (id: string) => void ends.push(id),
    } as unknown as HostCheckDeps['origin'];
    const { look } = await check({ origin, viewOf: () => Promise.reject(new Error('no worker answers')) });
    await look.look(0);
    await look.look(2 * UNWANTED_BROADCAST_LIMIT_MS);
    expect(isRunning(record.process)).toBe(true);
    expect(ends).toEqual([]);
  });

  it('asks nothing about an encoder that an activity is attached to', async () => {
    const host = await bench.host();
    host.attach(bench.input(1));
    await until(() => bench.registry.read('brd_1'), 'its record');
    const asked: string[] = [];
    const viewOf = async (streamId: string): Promise<'gone'> => {
      asked.push(streamId);
      return 'gone';
    };
    const broadcasts = [{ broadcastId: 'brd_1', streamId: 'str_1', epoch: 1, state: 'open' as const }];
    const origin = { listOpen: async () => ({ broadcasts }) } as unknown as HostCheckDeps['origin'];
    const { look } = await check({ encoders: host, origin, viewOf });
    await look.look();
    expect(asked).toEqual([]);
  });

  it('ends a broadcast that its stream does not know, once that has been so for long enough', async () => {
    const broadcasts = [
      { broadcastId: 'brd_1', streamId: 'str_1', epoch: 1, state: 'open' as const },
      { broadcastId: 'brd_old', streamId: 'str_2', epoch: 1, state: 'open' as const },
    ];
    const ends: string[] = [];
    const origin = {
      listOpen: async () => ({ broadcasts }),
      end: async (id: string) => void ends.push(id),
    } as unknown as HostCheckDeps['origin'];
    const { look } = await check({ origin, viewOf: async (streamId) => (streamId === 'str_1' ? OLD : 'gone') });
    await look.look(0);
    await look.look(UNWANTED_BROADCAST_LIMIT_MS);
    expect(ends).toEqual([]);
    await look.look(UNWANTED_BROADCAST_LIMIT_MS + 1);
    expect(ends).toEqual(['brd_old']);
  });
});
