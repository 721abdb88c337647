import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { readArguments } from '../../../tools/launcher/arguments.js';
import { readyBanner } from '../../../tools/launcher/output/banner.js';
import { dependenciesAreInstalled } from '../../../tools/launcher/commands/prepare.mjs';
import { MIN_NODE } from '../../../tools/launcher/commands/require-node.mjs';
import { countsLine, countTests } from '../../../tools/launcher/commands/run-tests.mjs';

describe('npm packages are installed', () => {
  const wanted = {
    packages: {
      '': { name: 'holdfast' },
      'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
      'node_modules/b': { version: '2.0.0', integrity: 'sha512-b', dev: true },
      'node_modules/c-darwin': { version: '1.0.0', integrity: 'sha512-c', optional: true },
    },
  };
  const { '': _root, 'node_modules/c-darwin': _other, ...here } = wanted.packages;

  it.each([
    ['as the lock file says', { packages: here }, true, true],
    [
      'without those of other platforms and of development, for running',
      { packages: { 'node_modules/a': here['node_modules/a'] } },
      false,
      true,
    ],
    ['without those of development, for testing', { packages: { 'node_modules/a': here['node_modules/a'] } }, true, false],
    ['in another version', { packages: { ...here, 'node_modules/a': { version: '1.0.1', integrity: 'sha512-a' } } }, false, false],
    ['not at all', null, false, false],
  ])('%s', (_case, installed, development, expected) => {
    expect(dependenciesAreInstalled(wanted, installed, development)).toBe(expected);
  });
});

describe('the last line of the tests', () => {
  const report = { numPassedTests: 5, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] };

  it('counts tests', () => {
    expect(countsLine(countTests(report, 0))).toBe('5 passed, 0 failed');
    expect(countsLine(countTests({ ...report, numPendingTests: 2 }, 0))).toBe('5 passed, 0 failed, 2 skipped');
  });

  it('counts a file that does not load as a failure', () => {
    const broken = { status: 'failed', assertionResults: [] };
    expect(countTests({ ...report, testResults: [broken] }, 1).failed).toBe(1);
  });

  it('never looks green when the run broke down', () => {
    expect(countTests(null, 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
    expect(countTests(report, 1).failed).toBe(1);
  });
});

describe('npm start', () => {
  it('asks for the Node version package.json asks for', async () => {
    const { engines } = JSON.parse(await readFile('package.json', 'utf8')) as { engines: { node: string } };
    expect(engines.node).toBe(`>=${MIN_NODE.join('.')}`);
    expect(await readFile('README.md', 'utf8')).toContain(`Node.js ${MIN_NODE.join('.')} or newer`);
    expect(await readFile('.github/workflows/ci.yml', 'utf8')).toContain(MIN_NODE.join('.'));
  });

  it('knows --demo and refuses what it does not know', () => {
    expect(readArguments(['--demo'])).toEqual({ demo: true, help: false, hungAfterMs: null });
    expect(readArguments(['--hung-after=60'])).toEqual({ demo: false, help: false, hungAfterMs: 60_000 });
    expect(readArguments(['--hung-after', '60'])).toEqual({ demo: false, help: false, hungAfterMs: 60_000 });
    expect(readArguments(['--dmeo', '-h'])).toMatchObject({ help: true });
    expect(() => readArguments(['demo'])).toThrow("Unexpected argument 'demo'");
    expect(() => readArguments(['--hung-after=soon'])).toThrow('--hung-after takes a number above 0');
    expect(() => readArguments(['--dmeo'])).toThrow("Unknown option '--dmeo'");
  });

  it('prints every address and the development key', () => {
    const run = {
      api: 'http://127.0.0.1:8080',
      rtmp: 'rtmp://127.0.0.1:1935/live',
      playback: 'http://127.0.0.1:8888',
      temporalUi: 'http://127.0.0.1:8233',
      temporal: '127.0.0.1:7233',
      database: 'postgres://user:password@127.0.0.1/x',
      metrics: [],
      apiKey: 'the-key',
      apiSecret: 'the-secret',
      processes: {},
    };
    const banner = readyBanner(run, '/data/run.json');
    for (const part of [run.api, run.rtmp, run.playback, run.temporalUi, run.apiKey, run.apiSecret]) expect(banner).toContain(part);
    expect(banner).not.toContain('password');
  });
});
