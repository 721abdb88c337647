import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ROOT } from './prepare.mjs';

/**
 * Runs vitest with the arguments and prints "N passed, N failed" (", N skipped" if any) as the last line.
 *
 * @param {string[]} args as for `vitest run`
 * @returns {Promise<number>} exit code
 */
export async function runTests(args) {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-tests-'));
  try {
    const report = join(folder, 'report.json');
    const exitCode = await runVitest([...args, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]);
    const counts = countTests(JSON.parse(await readFile(report, 'utf8').catch(() => 'null')), exitCode);
    console.log(countsLine(counts));
    return counts.failed > 0 && exitCode === 0 ? 1 : exitCode;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function runVitest(args) {
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const child = spawn(process.execPath, [vitest, 'run', ...args], { cwd: ROOT, stdio: 'inherit' });
  // Ctrl-C reaches vitest by itself; we wait for it to clean up.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/**
 * A file that does not even load has no tests to count, and a run that breaks down writes no report: each is one
 * failure, so that a red run never looks green.
 */
export function countTests(report, exitCode) {
  if (!report) return { passed: 0, failed: 1, skipped: 0 };
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const failed = report.numFailedTests + brokenFiles;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

export const countsLine = ({ passed, failed, skipped }) => `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
