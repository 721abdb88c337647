import { accessSync, chmodSync, constants } from 'node:fs';
import ffprobe from '@ffprobe-installer/ffprobe';

/** Set by global-setup.ts. The names without HOLDFAST_ are no settings of the product. */
export const TEST_VARIABLES = {
  ffmpeg: 'HOLDFAST_FFMPEG',
  temporal: 'HOLDFAST_TEMPORAL_BIN',
  temporalTestServer: 'TEMPORAL_TEST_SERVER_BIN',
  chromium: 'CHROMIUM',
  postgresAdminUrl: 'TEST_POSTGRES_ADMIN_URL',
} as const;

export function testVariable(name: keyof typeof TEST_VARIABLES): string {
  const value = process.env[TEST_VARIABLES[name]];
  if (!value) throw new Error(`${TEST_VARIABLES[name]} is not set: run the tests through vitest.config.ts`);
  return value;
}

export const ffmpegPath = (): string => testVariable('ffmpeg');
export const temporalPath = (): string => testVariable('temporal');
export const temporalTestServerPath = (): string => testVariable('temporalTestServer');

export const chromiumPath = (): string => testVariable('chromium');

const EXECUTABLE = 0o755;

/** The ffprobe of the npm package; its install script, which makes it executable, may not have run. */
export function ffprobePath(): string {
  try {
    accessSync(ffprobe.path, constants.X_OK);
  } catch {
    chmodSync(ffprobe.path, EXECUTABLE);
  }
  return ffprobe.path;
}
