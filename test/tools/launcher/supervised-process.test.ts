import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startChild } from '../../../tools/launcher/supervision/child-process.js';
import { ProcessRecords } from '../../../tools/launcher/supervision/process-records.js';
import {
  type LifeTiming,
  type ProcessEvents,
  type ProcessSpec,
  SupervisedProcess,
} from '../../../tools/launcher/supervision/supervised-process.js';
import { identify, isRunning, type ProcessIdentity } from '../../../media/process/process-identity.js';
import { until } from '../../support/until.js';

const GRACE_MS = 5000;
const NODE = process.execPath;
const STAYS = 'console.log("ready"); setInterval(() => {}, 1000)';
const IGNORES_SIGTERM = 'process.on("SIGTERM", () => {}); console.log("ready"); setInterval(() => {}, 1000)';

interface Watched {
  process: SupervisedProcess;
  lines: string[];
  pids: number[];
  failing: { exit: string; lastLines: string[] }[];
}

const running: SupervisedProcess[] = [];
afterEach(async () => void (await Promise.all(running.splice(0).map((process) => process.stop(0)))));

function supervise(script: string, spec: Partial<ProcessSpec> = {}, timing?: LifeTiming, more: Partial<ProcessEvents> = {}): Watched {
  const [lines, pids, failing]: [string[], number[], Watched['failing']] = [[], [], []];
  const events: ProcessEvents = {
    line: (text) => lines.push(text),
    started: ({ pid }) => pids.push(pid),
    ended: () => {},
    restarting: () => {},
    failing: (report) => failing.push(report),
    hung: () => {},
    ...more,
  };
  const process_ = new SupervisedProcess(
    {
      name: 'example',
      program: NODE,
      command: () => ({ file: NODE, args: ['-e', script], env: process.env, cwd: tmpdir() }),
      reasonNotReady: () => Promise.resolve(lines.includes('ready') ? null : 'it has not said so'),
      stopSignal: 'SIGTERM',
      ...spec,
    },
    events,
    timing,
  );
  running.push(process_);
  return { process: process_, lines, pids, failing };
}

describe('a supervised process', () => {
  it('is started again when it is killed, under another pid', async () => {
    const { process: supervised, pids } = supervise(STAYS);
    await supervised.start();
    process.kill(pids[0]!, 'SIGKILL');
    await until(() => pids.length === 2 && supervised.pid === pids[1], 'a second process');
    expect(pids[1]).not.toBe(pids[0]);
  });

  it('is named with its last lines when it keeps failing after it was ready', async () => {
    const script = 'console.log("ready"); setTimeout(() => { console.error("cannot go on"); process.exit(7); }, 50)';
    const { process: supervised, failing } = supervise(script);
    await supervised.start();
    await until(() => failing.length > 0, 'a report');
    expect(failing[0]!.exit).toBe('exit code 7');
    expect(failing[0]!.lastLines).toContain('cannot go on');
  });

  it('that never gets going ends the start with its name, its exit and its last lines', async () => {
    const { process: supervised } = supervise('console.error("the set-up is wrong"); process.exit(3)');
    await expect(supervised.start()).rejects.toThrow(/example does not start \(4 tries, exit code 3\)[^]*the set-up is wrong/);
  });

  it('that cannot be started at all says so', async () => {
    const { process: supervised } = supervise('', {
      command: () => ({ file: '/nonexistent/program', args: [], env: {}, cwd: tmpdir() }),
    });
    await expect(supervised.start()).rejects.toThrow(/cannot be started \(ENOENT\)/);
  });

  it('that cannot be written down does not run, since nobody would find it later', async () => {
    const written: ProcessIdentity[] = [];
    const started = (identity: ProcessIdentity): void => {
      written.push(identity);
      throw new Error('ENOSPC: no space left on device');
    };
    const { process: supervised } = supervise(STAYS, {}, undefined, { started });
    await expect(supervised.start()).rejects.toThrow(/4 tries, its record cannot be written: ENOSPC/);
    expect(written).toHaveLength(4);
    expect(written.filter(isRunning)).toEqual([]);
  });

  it('that hangs is killed and started again', async () => {
    let frozen: number | null = null;
    let asked = 0;
    const isAlive = () => Promise.resolve(++asked > 0 && supervised.pid !== frozen);
    const { process: supervised, pids } = supervise(STAYS, { isAlive }, { checkMs: 20, hungAfterMs: 100 });
    await supervised.start();
    // One that answers is left alone: it has to give a first sign before its silence counts.
    await until(() => asked > 8, 'several signs of life');
    expect(pids).toHaveLength(1);
    process.kill(pids[0]!, 'SIGSTOP');
    frozen = pids[0]!;
    await until(() => pids.length === 2, 'a second process');
    expect(identify(pids[0]!)).toBeNull();
  });

  it('ends when asked to, and is not started again', async () => {
    const { process: supervised, pids } = supervise(STAYS);
    await supervised.start();
    await supervised.stop(GRACE_MS);
    expect(identify(pids[0]!)).toBeNull();
    expect(supervised.pid).toBeNull();
    expect(pids).toHaveLength(1);
  });

  it('is killed when it does not end in time', async () => {
    const { process: supervised, pids } = supervise(IGNORES_SIGTERM);
    await supervised.start();
    await supervised.stop(50);
    expect(identify(pids[0]!)).toBeNull();
  });

  it('can be stopped while it is not ready yet', async () => {
    const { process: supervised, pids } = supervise('setInterval(() => {}, 1000)');
    const started = supervised.start();
    await until(() => pids.length === 1, 'the process');
    await supervised.stop(GRACE_MS);
    await started;
    expect(identify(pids[0]!)).toBeNull();
  });
});

describe('what an earlier launcher left running', () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'holdfast-records-'))));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const start = (marker: string) => {
    const child = startChild(
      { file: NODE, args: ['-e', 'setInterval(() => {}, 1000)', marker], env: process.env, cwd: tmpdir() },
      () => {},
    );
    return { child, identity: child.identity! };
  };

  it('is ended by the next one, but only if pid, start time and program agree', async () => {
    const records = new ProcessRecords(join(folder, 'sweep'));
    await records.claim();
    const [ours, reused, other] = [start('/x/ours.js'), start('/x/reused.js'), start('/x/stranger.js')];
    try {
      records.add('ours', ours.identity, '/x/ours.js', 'SIGTERM');
      records.add('reused', { ...reused.identity, startedAt: '1' }, '/x/reused.js', 'SIGTERM');
      records.add('other', other.identity, '/x/program.js', 'SIGTERM');
      expect(await new ProcessRecords(join(folder, 'sweep')).endLeftovers()).toEqual(['ours']);
      expect(isRunning(ours.identity)).toBe(false);
      expect(isRunning(reused.identity)).toBe(true);
      expect(isRunning(other.identity)).toBe(true);
      expect(await records.endLeftovers()).toEqual([]);
    } finally {
      for (const { child } of [ours, reused, other]) child.kill();
      await Promise.all([ours, reused, other].map(({ child }) => child.exited));
    }
  });

  it('is not touched while its launcher runs, however that was started', async () => {
    const dir = join(folder, 'live');
    // A script named by a path relative to its folder, as npm does it.
    const script = join(folder, 'other-launcher.mjs');
    const records = new URL('../../../dist/tools/launcher/supervision/process-records.js', import.meta.url);
    const code = `import { ProcessRecords } from ${JSON.stringify(records.href)};
      await new ProcessRecords(${JSON.stringify(dir)}).claim(); console.log('claimed'); setInterval(() => {}, 1000);`;
    await writeFile(script, code);
    const lines: string[] = [];
    const other = startChild({ file: NODE, args: ['other-launcher.mjs'], env: process.env, cwd: folder }, (line) => lines.push(line));
    try {
      await until(() => lines.includes('claimed'), 'the other launcher');
      await expect(new ProcessRecords(dir).claim()).rejects.toThrow('already runs with this data folder');
    } finally {
      other.kill();
      await other.exited;
    }
  });

  it('may be another launcher that still runs: then this one does not start', async () => {
    const dir = join(folder, 'claim');
    const records = new ProcessRecords(dir);
    await records.claim();
    const other = start('/x/launcher.js');
    try {
      records.add('launcher', other.identity, '/x/launcher.js', 'SIGINT');
      await expect(new ProcessRecords(dir).claim()).rejects.toThrow(`already runs with this data folder (pid ${other.identity.pid})`);
    } finally {
      other.child.kill();
      await other.child.exited;
    }
    await expect(new ProcessRecords(dir).claim()).resolves.toBeUndefined();
  });
});
