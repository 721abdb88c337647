import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readMasterKey } from '../../../platform/auth/master-key.js';
import { addressesOf, dataPaths } from '../../../platform/config/addresses.js';
import { readEnvironment } from '../../../platform/config/env.js';
import { EncoderRegistry, stopAllEncoders } from '../../../media/encoder/encoder-registry.js';
import { RestreamRegistry, stopAllRestreams } from '../../../media/restream/restream-registry.js';
import { nodeProcesses, reasonNodeProcessNotReady } from '../services/node-processes.js';
import { Children, isRunning } from './children.js';
import { DIST, freePorts, type Stack } from './stack.js';

/** What a media host consists of, in the order of their start. */
const PROCESSES = ['origin', 'ingest', 'media-worker'] as const;
export type MediaProcess = (typeof PROCESSES)[number];

const PORT_VARIABLES = [
  'HOLDFAST_RTMP_PORT',
  'HOLDFAST_PLAYBACK_PORT',
  'HOLDFAST_INGEST_CONTROL_PORT',
  'HOLDFAST_ORIGIN_CONTROL_PORT',
  'HOLDFAST_MEDIA_WORKER_PORT',
];

/**
 * One more media host of an installation, on this machine: ingest, origin and media worker with ports and data of their own.
 * Nobody starts a process of it again, and nobody minds one that hangs.
 */
export interface MediaHost {
  hostId: string;
  dataDir: string;
  /** `${rtmp}/${streamKey}` is what an encoder needs. */
  rtmp: string;
  playback: string;
  pid(name: MediaProcess): number;
  /** Starts whatever of it does not run, with the same data and addresses; resolves when all is ready. */
  start(): Promise<void>;
  /** kill -9 of all of it at once, encoders and restreams included: like a machine whose power goes. */
  kill(): Promise<void>;
  output(): string;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

export interface MediaHostOptions {
  stack: Stack;
  hostId: string;
  ffmpegPath: string;
  settings?: Record<string, string>;
}

export async function startMediaHost({ stack, hostId, ffmpegPath, settings = {} }: MediaHostOptions): Promise<MediaHost> {
  const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-host-'));
  const [run, masterKey] = await Promise.all([stack.run(), readMasterKey({ path: dataPaths(stack.dataDir).masterKey })]);
  const variables = {
    ...(await freePorts(PORT_VARIABLES)),
    HOLDFAST_DATA_DIR: dataDir,
    HOLDFAST_HOST_ID: hostId,
    HOLDFAST_TEMPORAL_ADDRESS: run.temporal,
    HOLDFAST_DATABASE_URL: run.database,
    HOLDFAST_MASTER_KEY: masterKey.toString('hex'),
    HOLDFAST_FFMPEG: ffmpegPath,
    ...settings,
  };
  const env = readEnvironment(variables);
  const { rtmp, playback } = addressesOf(env);
  const paths = dataPaths(dataDir);
  const nodes = nodeProcesses(env);
  const children = new Map<MediaProcess, ChildProcess>();
  const said = new Children();

  function startOne(name: MediaProcess): void {
    const present = children.get(name);
    if (present && isRunning(present)) return;
    const script = fileURLToPath(new URL(SCRIPTS[name], DIST));
    const child = said.start(['--enable-source-maps', script], { env: { ...process.env, ...variables } });
    children.set(name, child);
  }

  async function start(): Promise<void> {
    for (const name of PROCESSES) startOne(name);
    for (const name of PROCESSES) {
      const node = nodes.find((process) => process.name === name)!;
      await said.ready(`${name} of media host ${hostId}`, children.get(name)!, () => reasonNodeProcessNotReady(node));
    }
  }

  async function kill(): Promise<void> {
    const running = [...children.values()].filter(isRunning);
    const gone = running.map((child) => once(child, 'exit'));
    const [encoders, restreams] = await Promise.all([
      new EncoderRegistry(paths.encoders).list(),
      new RestreamRegistry(paths.restreams).list(),
    ]);
    for (const child of running) child.kill('SIGKILL');
    for (const { process: encoder } of [...encoders, ...restreams]) killIfThere(encoder.pid);
    await Promise.all(gone);
  }

  const host: MediaHost = {
    hostId,
    dataDir,
    rtmp,
    playback,
    pid(name) {
      const pid = children.get(name)?.pid;
      if (pid === undefined) throw new Error(`${name} of ${hostId} does not run`);
      return pid;
    },
    start,
    kill,
    output: () => said.output,
    async stop() {
      for (const child of children.values()) if (isRunning(child)) child.kill('SIGKILL');
      await Promise.all([stopAllRestreams(paths.restreams), stopAllEncoders(paths.encoders)]);
      await kill();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  await start().catch(async (error: unknown) => {
    await host.stop();
    throw error;
  });
  return host;
}

const SCRIPTS: Record<MediaProcess, string> = {
  origin: 'origin/main.js',
  ingest: 'ingest/main.js',
  'media-worker': 'workers/media-worker.js',
};

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
