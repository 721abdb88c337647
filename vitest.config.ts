import { defineConfig } from 'vitest/config';

/** One run of real servers per file; two cores are shared with ffmpeg, so files run one after another. */
const TEST_TIMEOUT_MS = 120_000;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Writes a file instead of checking something; run by hand, with the variable set.
    exclude: process.env.RECORD_HISTORY ? [] : ['test/workflows/record-histories.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: TEST_TIMEOUT_MS,
    fileParallelism: false,
    reporters: process.env.CI ? ['default'] : ['default'],
  },
});
