import { defineConfig } from 'vitest/config';
import { type Lane, testFiles } from './test/support/lanes.js';

/** Only a hang guard: nothing is asserted about how long things take. */
const TEST_TIMEOUT_MS = 120_000;
/** Writes a file instead of checking something; run by hand, with the variable set. */
const RECORDING = 'test/workflows/record-histories.test.ts';
const GLOBAL_SETUP = 'test/support/global-setup.ts';

const files = testFiles();
/** @param maxWorkers files at the same time, for two cores */
const lane = (name: Lane, groupOrder: number, maxWorkers: number, globalSetup: string[]) => ({
  extends: true as const,
  test: {
    name,
    include: files[name],
    exclude: process.env.RECORD_HISTORY ? [] : [RECORDING],
    globalSetup,
    maxWorkers,
    sequence: { groupOrder },
  },
});

export default defineConfig({
  test: {
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: TEST_TIMEOUT_MS,
    projects: [lane('fast', 0, 2, []), lane('parts', 1, 3, [GLOBAL_SETUP]), lane('whole', 2, 1, [GLOBAL_SETUP])],
  },
});
