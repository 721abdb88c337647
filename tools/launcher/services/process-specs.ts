import { join } from 'node:path';
import { addressesOf, LOOPBACK } from '../../../platform/config/addresses.js';
import type { Environment } from '../../../platform/config/env.js';
import { type NodeProcess, nodeProcessIsAlive, reasonNodeProcessNotReady } from './node-processes.js';
import { postgresAnswers } from './postgres.js';
import type { PostgresCluster } from './postgres-cluster.js';
import type { ProcessSpec } from '../supervision/supervised-process.js';
import { reasonTemporalNotReady, temporalServerCommand } from './temporal-server.js';

/** What npm adds to the environment of its scripts is no business of the product's processes. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_|^INIT_CWD$/.test(name)));
}

export function postgresSpec(cluster: PostgresCluster): ProcessSpec {
  return {
    name: 'postgres',
    program: cluster.program,
    command: () => ({ ...cluster.command, cwd: '/', env: ownEnvironment() }),
    beforeStart: () => cluster.beforeStart(),
    reasonNotReady: async () => ((await postgresAnswers(cluster.adminUrl)) ? null : 'it does not answer'),
    // Fast shutdown: open connections are closed, nothing is lost (pg_ctl, "fast").
    stopSignal: 'SIGINT',
  };
}

export function temporalSpec(program: string, env: Environment): ProcessSpec {
  const {
    HOLDFAST_DATA_DIR: dataDir,
    HOLDFAST_TEMPORAL_PORT: port,
    HOLDFAST_TEMPORAL_UI_PORT: uiPort,
    HOLDFAST_TEMPORAL_NAMESPACE: namespace,
  } = env;
  const command = temporalServerCommand({ program, dataDir, host: LOOPBACK, port, uiPort, namespace });
  return {
    name: 'temporal',
    program,
    command: () => ({ ...command, cwd: dataDir, env: ownEnvironment() }),
    reasonNotReady: () => reasonTemporalNotReady({ address: addressesOf(env).temporal, namespace }),
    stopSignal: 'SIGTERM',
  };
}

/** What the launcher has found out, for the processes; everything else they read from the same environment. */
export interface FoundSettings {
  databaseUrl: string;
  masterKey: Uint8Array;
  ffmpeg: string;
}

export function nodeProcessSpec(node: NodeProcess, env: Environment, found: FoundSettings): ProcessSpec {
  return {
    name: node.name,
    program: node.script,
    command: () => ({
      file: process.execPath,
      args: ['--enable-source-maps', node.script],
      cwd: env.HOLDFAST_DATA_DIR,
      env: { ...ownEnvironment(), ...settingsFor(env, found) },
    }),
    reasonNotReady: () => reasonNodeProcessNotReady(node),
    isAlive: () => nodeProcessIsAlive(node),
    // SIGTERM would let ingest and media worker wait for running broadcasts.
    stopSignal: 'SIGINT',
  };
}

function settingsFor(env: Environment, found: FoundSettings): Record<string, string> {
  return {
    HOLDFAST_DATA_DIR: env.HOLDFAST_DATA_DIR,
    // The processes run in the data folder: paths are whole by then.
    ...(env.HOLDFAST_TLS_CERT && env.HOLDFAST_TLS_KEY
      ? { HOLDFAST_TLS_CERT: env.HOLDFAST_TLS_CERT, HOLDFAST_TLS_KEY: env.HOLDFAST_TLS_KEY }
      : {}),
    HOLDFAST_TEMPORAL_ADDRESS: addressesOf(env).temporal,
    HOLDFAST_FFMPEG: found.ffmpeg,
    HOLDFAST_DATABASE_URL: found.databaseUrl,
    HOLDFAST_MASTER_KEY: Buffer.from(found.masterKey).toString('hex'),
  };
}

export const postgresDataDir = (dataDir: string): string => join(dataDir, 'postgres');
