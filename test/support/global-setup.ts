import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnvironment } from '../../platform/config/env.js';
import { ensureChromium } from '../../tools/launcher/commands/chromium.mjs';
import { freePort } from '../../tools/launcher/ports/ports.js';
import { startPostgres } from '../../tools/launcher/services/postgres.js';
import { ensureToolchain } from '../../tools/launcher/toolchain/toolchain.js';
import { build } from '../../tools/build/build.mjs';
import { TEST_VARIABLES } from './toolchain.js';

/** Every lane of tests that needs it asks for it, each from a copy of this module; it is there once per run. */
interface Run {
  started: Promise<() => Promise<void>>;
  lanes: number;
}
const RUN = Symbol.for('holdfast.test-run');
const shared = globalThis as { [RUN]?: Run };

/**
 * Before the first test file: the real programs, a built dist/, and one Postgres for all files (each makes its own database
 * there). The worker processes of vitest inherit the variables set here.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const run = (shared[RUN] ??= { started: start(), lanes: 0 });
  run.lanes += 1;
  const stop = await run.started;
  return async () => {
    run.lanes -= 1;
    if (run.lanes === 0) await stop();
  };
}

async function start(): Promise<() => Promise<void>> {
  const { HOLDFAST_CACHE_DIR: cacheDir } = readEnvironment();
  const [tools] = await Promise.all([
    ensureToolchain(['ffmpeg', 'temporal', 'temporal-test-server'], {
      cacheDir,
      env: process.env,
      onProgress: console.log,
    }),
    build(),
  ]);
  process.env[TEST_VARIABLES.chromium] = ensureChromium() ?? '';
  process.env[TEST_VARIABLES.ffmpeg] = tools.ffmpeg;
  process.env[TEST_VARIABLES.temporal] = tools.temporal;
  process.env[TEST_VARIABLES.temporalTestServer] = tools['temporal-test-server'];

  const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-test-postgres-'));
  const said: string[] = [];
  const postgres = await startPostgres({
    dataDir,
    port: await freePort(),
    durable: false,
    log: (line) => said.push(line),
  }).catch((error: Error) => {
    throw new Error(`${error.message}\n${said.join('\n')}`, { cause: error });
  });
  process.env[TEST_VARIABLES.postgresAdminUrl] = postgres.adminUrl;
  return async () => {
    await postgres.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
}
