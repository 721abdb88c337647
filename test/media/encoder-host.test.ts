import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EncoderHost } from '../../media/encoder/encoder-host.js';
import type { EncoderRecord } from '../../media/encoder/encoder-registry.js';
import { isRunning } from '../../media/process/process-identity.js';
import { until } from '../support/until.js';
import { EncoderBench } from './encoder-bench.js';

let bench: EncoderBench;
beforeEach(() => {
  bench = new EncoderBench();
});
afterEach(() => bench.close());

const KEY = { broadcastId: 'brd_1', epoch: 1 };
const never = new AbortController().signal;
const recordOf = (epoch: number): Promise<EncoderRecord> =>
  until(async () => {
    const record = await bench.registry.read('brd_1');
    return record?.epoch === epoch ? record : null;
  }, `the record of encoder ${epoch}`);
const kill = ({ process: { pid } }: EncoderRecord): void => void process.kill(pid, 'SIGKILL');
/** One that runs, attached and left again: as an activity that is cancelled, or whose worker is gone. */
async function started(host: EncoderHost, epoch = 1): Promise<EncoderRecord> {
  host.attach(bench.input(epoch)).detach();
  return recordOf(epoch);
}

describe('encoders that follow each other', () => {
  it('keep their records, two hundred times, though each begins in the moment in which the one before it ends', async () => {
    const host = await bench.host();
    const CYCLES = 200;
    let run = host.attach(bench.input(1));
    let record = await recordOf(1);
    for (let epoch = 1; epoch <= CYCLES; epoch++) {
      const isStopped = epoch % 2 === 0;
      const stopping = isStopped ? host.stop({ broadcastId: 'brd_1', epoch }) : Promise.resolve(kill(record));
      const next = host.attach(bench.input(epoch + 1));
      const [end, nextRecord] = await Promise.all([run.end, recordOf(epoch + 1), stopping]);
      run.detach();
      // One that was killed while its successor is asked for has ended by either.
      expect(['stopped', ...(isStopped ? [] : ['crashed'])]).toContain(end.reason);
      expect(isRunning(record.process)).toBe(false);
      expect(await bench.registry.read('brd_1')).toEqual(nextRecord);
      expect(isRunning(nextRecord.process)).toBe(true);
      [run, record] = [next, nextRecord];
    }
    kill(record);
    expect((await run.end).reason).toBe('crashed');
    await until(async () => (await bench.registry.list()).length === 0, 'its record to be gone');
  });

  it('are never two: the next one ends the one before it, whose own stop comes too late for anything', async () => {
    const host = await bench.host();
    const first = host.attach(bench.input(1));
    const record = await recordOf(1);
    host.attach(bench.input(2));
    expect((await first.end).reason).toBe('stopped');
    await recordOf(2);
    expect(isRunning(record.process)).toBe(false);
    await host.stop({ broadcastId: 'brd_1', epoch: 1 });
    expect(isRunning((await recordOf(2)).process)).toBe(true);
  });

  it('an older one is refused when nobody has asked for its stop', async () => {
    const host = await bench.host();
    await started(host, 5);
    expect(() => host.attach(bench.input(4))).toThrow(expect.objectContaining({ code: 'stale_epoch' }));
  });
});

describe('a stop', () => {
  it('that comes before the start is kept: nothing is started', async () => {
    const host = await bench.host();
    await host.stop({ broadcastId: 'brd_1', epoch: 3 });
    expect((await host.attach(bench.input(3)).end).reason).toBe('stopped');
    expect((await host.attach(bench.input(2)).end).reason).toBe('stopped');
    expect(bench.epoch).toBe(0);
    expect(await bench.registry.list()).toEqual([]);
    expect(isRunning((await started(host, 4)).process)).toBe(true);
  });

  it('while the start is under way waits for nobody, and nothing is started afterwards', async () => {
    const host = await bench.host();
    let open!: () => void;
    bench.opened = new Promise((resolve) => (open = resolve));
    const run = host.attach(bench.input(1));
    await host.stop(KEY);
    expect((await run.end).reason).toBe('stopped');
    open();
    bench.opened = Promise.resolve();
    const next = await started(host, 2);
    expect(await bench.registry.list()).toEqual([next]);
  });

  it('ends the encoder of any worker before this one', async () => {
    const old = await bench.host();
    const record = await started(old);
    old.close();
    await (await bench.host()).stop(KEY);
    expect(isRunning(record.process)).toBe(false);
    expect(await bench.registry.list()).toEqual([]);
  });
});

describe('an encoder', () => {
  it('goes on when nobody is attached, and is adopted with its number', async () => {
    const host = await bench.host();
    const record = await started(host);
    const again = host.attach(bench.input(1));
    expect(again.progress).toMatchObject({ pid: record.process.pid, epoch: 1 });
    expect(isRunning(record.process)).toBe(true);
  });

  it.each([
    ['silent', 'crashed'],
    ['gone', 'source_gone'],
    ['away', 'source_unknown'],
  ] as const)('that ended while nobody was attached, its publisher %s, is told as %s to who attaches next', async (publisher, reason) => {
    const host = await bench.host();
    const record = await started(host);
    bench.publisher = publisher;
    kill(record);
    await until(() => !isRunning(record.process), 'its end');
    // Whatever becomes of the publisher later is not what ended it.
    const ended = await until(() => host.list().find(({ epoch }) => epoch === 1), 'the end to be kept');
    expect(ended.detachedMs).toBeGreaterThan(0);
    expect((await host.attach(bench.input(1)).end).reason).toBe(reason);
    await until(async () => (await bench.registry.list()).length === 0, 'its record to be gone');
    expect((await host.attach(bench.input(1)).end).reason).toBe(reason);
  });

  it('that ended while no worker was there is judged by the next one, before anybody attaches', async () => {
    const old = await bench.host();
    const record = await started(old);
    old.close();
    kill(record);
    await until(() => !isRunning(record.process), 'its end');
    const host = await bench.host();
    const run = host.attach(bench.input(1));
    expect((await run.end).reason).toBe('crashed');
    expect(bench.epoch).toBe(1);
    await until(async () => (await bench.registry.list()).length === 0, 'its record to be gone');
  });

  it('whose record has vanished with it has crashed: nobody has asked for its stop', async () => {
    const host = await bench.host();
    const run = host.attach(bench.input(1));
    const record = await recordOf(1);
    rmSync(join(bench.registry.dir, 'brd_1.json'));
    kill(record);
    expect((await run.end).reason).toBe('crashed');
  });

  it('that could not be started is started by the next try', async () => {
    const { ffmpegPath } = bench;
    bench.ffmpegPath = join(bench.dir, 'no-such-program');
    const host = await bench.host();
    const failed = host.attach(bench.input(1));
    await expect(failed.end).rejects.toThrow(/ENOENT/);
    symlinkSync(ffmpegPath, bench.ffmpegPath);
    expect(isRunning((await started(host)).process)).toBe(true);
  });
});

describe('that viewers can play an encoder', () => {
  it('is told to its workflow once, however often that takes, and again to whoever attaches anew', async () => {
    bench.temporalAway = 2;
    const host = await bench.host();
    const run = host.attach(bench.input(1));
    const waiting = host.awaitPlayable(KEY, never);
    await recordOf(1);
    expect(bench.told).toEqual([]);
    bench.playable = true;
    await waiting;
    await until(() => bench.told.length === 1, 'the workflow to be told');
    expect(bench.temporalAway).toBe(-1);
    await host.awaitPlayable(KEY, never);
    expect(bench.told).toEqual([KEY]);
    run.detach();
    host.attach(bench.input(1));
    await until(() => bench.told.length === 2, 'the workflow to be told again');
    expect(bench.told).toEqual([KEY, KEY]);
  });

  it('is taken back while nothing new comes and its ingest answers nothing, and told again when it does', async () => {
    const host = await bench.host();
    host.attach(bench.input(1));
    await recordOf(1);
    bench.playable = true;
    await until(() => bench.told.length === 1, 'the workflow to be told');
    bench.publisher = 'away';
    await until(() => bench.told.length === 2, 'the workflow to be told that nothing comes');
    bench.mediaSeconds += 1;
    await until(() => bench.told.length === 3, 'the workflow to be told that it goes on');
    expect(bench.told).toEqual([KEY, { ...KEY, playable: false }, KEY]);
  });

  it('is told by the next worker, too, though nobody has attached to it', async () => {
    const old = await bench.host();
    await started(old);
    old.close();
    bench.playable = true;
    await bench.host();
    await until(() => bench.told.length === 1, 'the workflow to be told');
  });

  it('is waited for before it is started, until the broadcast ends, or nobody waits any more', async () => {
    const host = await bench.host();
    const giveUp = new AbortController();
    const first = host.awaitPlayable(KEY, never);
    const ended = host.awaitPlayable({ ...KEY, epoch: 2 }, never);
    const givenUp = host.awaitPlayable({ ...KEY, epoch: 2 }, giveUp.signal);
    giveUp.abort();
    await expect(givenUp).rejects.toThrow();
    bench.playable = true;
    host.attach(bench.input(1));
    await first;
    bench.playable = false;
    bench.state = 'ended';
    host.attach(bench.input(2));
    await expect(ended).rejects.toMatchObject({ code: 'broadcast_ended' });
  });
});

describe('the records of processes', () => {
  const record = (epoch: number, startedAt: string): EncoderRecord => ({
    broadcastId: 'brd_1',
    publishId: 'pub',
    epoch,
    process: { pid: 1, startedAt },
    logPath: 'log',
  });

  it('are removed for their own process alone, and overwritten by none before it', async () => {
    await bench.registry.write(record(2, 'then'));
    await bench.registry.forget(record(1, 'then'));
    await bench.registry.forget(record(2, 'before'));
    await expect(bench.registry.write(record(1, 'then'))).rejects.toMatchObject({ code: 'stale_epoch' });
    expect(await bench.registry.read('brd_1')).toEqual(record(2, 'then'));
    await bench.registry.forget(record(2, 'then'));
    expect(await bench.registry.read('brd_1')).toBeNull();
  });
});
