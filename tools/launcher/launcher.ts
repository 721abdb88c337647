import { mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureMasterKey } from '../../platform/auth/master-key.js';
import { addressesOf, dataPaths } from '../../platform/config/addresses.js';
import type { Environment } from '../../platform/config/env.js';
import { migrate } from '../../platform/db/migrate.js';
import { stopAllEncoders } from '../../media/encoder/encoder-registry.js';
import { stopAllRestreams } from '../../media/restream/restream-registry.js';
import { readyBanner } from './output/banner.js';
import { DEMO, startDemo } from './demo/demo.js';
import { type ApiKeyPair, developmentKey } from './development-key.js';
import { LauncherError } from './launcher-error.js';
import type { LogOutput } from './output/log-output.js';
import { neededPorts } from './ports/needed-ports.js';
import { nodeProcesses } from './services/node-processes.js';
import { checkPortsFree } from './ports/ports.js';
import { ensureDatabase } from './services/postgres.js';
import { preparePostgres } from './services/postgres-cluster.js';
import { killRecorded } from './supervision/kill-recorded.js';
import { ProcessGroup, type StopStage } from './supervision/process-group.js';
import { ProcessRecords } from './supervision/process-records.js';
import { nodeProcessSpec, postgresDataDir, postgresSpec, temporalSpec } from './services/process-specs.js';
import { type RunJson, RunJsonFile } from './output/run-json.js';
import { adoptTemporalServer } from './services/temporal-server.js';
import { ensureToolchain } from './toolchain/toolchain.js';

export interface LauncherOptions {
  env: Environment;
  demo: boolean;
  output: LogOutput;
  /** Milliseconds without a sign of life after which a process is killed; null = as always. */
  hungAfterMs: number | null;
  /** Prints lines for a person, as they are. */
  print: (text: string) => void;
}

/** Below this nothing useful can be recorded, and databases break. */
const MIN_FREE_BYTES = 200e6;

/** First who takes new work, then who does it, then what they write to. With the encoders' end under 15 s in all. */
const STOP_STAGES: readonly StopStage[] = [
  { names: [DEMO], graceMs: 2000 },
  { names: ['api', 'ingest'], graceMs: 3000 },
  { names: ['stream-worker', 'media-worker'], graceMs: 4000 },
  { names: ['origin'], graceMs: 2500 },
  { names: ['temporal', 'postgres'], graceMs: 3000 },
];
const WORKERS_STAGE = 2;
const ENCODERS_GRACE_MS = 2000;

/** Starts everything of one machine, keeps it running, and stops it in order. */
export class Launcher {
  readonly #env: Environment;
  readonly #options: LauncherOptions;
  readonly #output: LogOutput;
  readonly #paths: ReturnType<typeof dataPaths>;
  readonly #records: ProcessRecords;
  readonly #runJson: RunJsonFile;
  readonly #processes: ProcessGroup;
  #ownsDataFolder = false;
  #run: RunJson | null = null;
  #stopped: Promise<void> | null = null;

  constructor(options: LauncherOptions) {
    const { env, output } = options;
    this.#options = options;
    this.#env = env;
    this.#output = output;
    this.#paths = dataPaths(env.HOLDFAST_DATA_DIR);
    this.#records = new ProcessRecords(join(this.#paths.run, 'processes'));
    this.#runJson = new RunJsonFile(this.#paths.runJson);
    this.#processes = new ProcessGroup({
      records: this.#records,
      output,
      hungAfterMs: options.hungAfterMs,
      onChange: () => this.#updateRunJson(),
    });
  }

  /**
   * Resolves when everything is ready and run.json is written, or when it is being stopped.
   *
   * @throws LauncherError (call `stop` then)
   */
  async start(): Promise<void> {
    await this.#takeDataFolder();
    await checkPortsFree(neededPorts(this.#env));
    const tools = await this.#tools();
    const [databaseUrl] = await Promise.all([this.#startDatabase(), this.#startTemporal(tools.temporal)]);
    if (this.#stopped) return;
    const keys = await this.#startNodeProcesses(databaseUrl, tools.ffmpeg);
    if (this.#stopped) return;
    this.#run = this.#describe(databaseUrl, keys);
    await this.#runJson.write(this.#run);
    this.#options.print(readyBanner(this.#run, this.#paths.runJson));
    if (this.#options.demo) await this.#startDemo(this.#run, tools.ffmpeg);
  }

  /** Ends everything in order; resolves when nothing is left. Calling it again waits for the same. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopInOrder();
    return this.#stopped;
  }

  /** Kills everything at once, encoders and restreams too. Synchronous: it is the last thing before this process ends. */
  kill(): void {
    this.#processes.kill();
    if (!this.#ownsDataFolder) return;
    for (const dir of [this.#paths.restreams, this.#paths.encoders]) killRecorded(dir);
  }

  async #takeDataFolder(): Promise<void> {
    const { HOLDFAST_DATA_DIR: dataDir } = this.#env;
    await mkdir(dataDir, { recursive: true });
    const { bavail, bsize } = await statfs(dataDir);
    if (bavail * bsize < MIN_FREE_BYTES) {
      const [free, least] = [Math.round((bavail * bsize) / 1e6), MIN_FREE_BYTES / 1e6];
      throw new LauncherError(
        `The disk is nearly full: ${free} MB are free for ${dataDir}, and ${least} MB is the least. ` +
          `Free some space, or set HOLDFAST_DATA_DIR to a folder on another disk.`,
      );
    }
    await this.#records.claim();
    this.#ownsDataFolder = true;
    await this.#runJson.remove();
    const left = await this.#records.endLeftovers();
    if (left.length > 0) this.#output.say('warn', `Ended what an earlier launcher left running: ${left.join(', ')}`);
  }

  async #tools(): Promise<{ ffmpeg: string; temporal: string | null }> {
    const options = { cacheDir: this.#env.HOLDFAST_CACHE_DIR, env: process.env, onProgress: this.#options.print };
    if (this.#env.HOLDFAST_TEMPORAL_ADDRESS === undefined) return ensureToolchain(['ffmpeg', 'temporal'], options);
    return { ...(await ensureToolchain(['ffmpeg'], options)), temporal: null };
  }

  /** @returns the database's URL, once its schema is up to date */
  async #startDatabase(): Promise<string> {
    const given = this.#env.HOLDFAST_DATABASE_URL;
    const url = given ?? (await this.#startPostgres());
    if (this.#stopped) return url;
    await migrate(url).catch((error: Error) => {
      if (given === undefined) throw error;
      throw new LauncherError(`The database of HOLDFAST_DATABASE_URL cannot be used: ${error.message}`, {
        cause: error,
      });
    });
    return url;
  }

  async #startPostgres(): Promise<string> {
    const { HOLDFAST_DATA_DIR: dataDir, HOLDFAST_POSTGRES_PORT: port } = this.#env;
    const cluster = await preparePostgres({ dataDir: postgresDataDir(dataDir), port });
    await this.#processes.start(postgresSpec(cluster));
    if (!this.#stopped) await ensureDatabase(cluster.adminUrl);
    return cluster.url;
  }

  async #startTemporal(program: string | null): Promise<void> {
    if (program !== null) return this.#processes.start(temporalSpec(program, this.#env));
    return adoptTemporalServer({
      address: addressesOf(this.#env).temporal,
      namespace: this.#env.HOLDFAST_TEMPORAL_NAMESPACE,
    });
  }

  async #startNodeProcesses(databaseUrl: string, ffmpeg: string): Promise<ApiKeyPair> {
    const masterKey = await ensureMasterKey({ hex: this.#env.HOLDFAST_MASTER_KEY, path: this.#paths.masterKey });
    const found = { databaseUrl, masterKey, ffmpeg };
    const [keys] = await Promise.all([
      developmentKey(databaseUrl, masterKey, join(this.#env.HOLDFAST_DATA_DIR, 'dev-key.json')),
      ...nodeProcesses(this.#env).map((node) => this.#processes.start(nodeProcessSpec(node, this.#env, found))),
    ]);
    return keys;
  }

  #describe(database: string, keys: ApiKeyPair): RunJson {
    const { api, rtmp, playback, temporal } = addressesOf(this.#env);
    const ownTemporal = this.#env.HOLDFAST_TEMPORAL_ADDRESS === undefined;
    const { HOLDFAST_TEMPORAL_UI_PORT: uiPort } = this.#env;
    return {
      api,
      rtmp,
      playback,
      temporalUi: ownTemporal ? `http://127.0.0.1:${uiPort}` : null,
      temporal,
      database,
      metrics: nodeProcesses(this.#env).map(({ opsUrl }) => `${opsUrl}/metrics`),
      ...keys,
      processes: this.#processes.pids(),
    };
  }

  /** Only once everything was ready: before, readers would take a half-started Holdfast for a whole one. */
  #updateRunJson(): void {
    if (!this.#run || this.#stopped) return;
    this.#run = { ...this.#run, processes: this.#processes.pids() };
    this.#runJson
      .write(this.#run)
      .catch((error: Error) => this.#output.say('error', 'run.json cannot be written', { reason: error.message }));
  }

  /** Without its demo Holdfast is as good as with it. */
  async #startDemo(run: RunJson, ffmpeg: string): Promise<void> {
    const apiUrl = nodeProcesses(this.#env).find(({ name }) => name === 'api')!.opsUrl;
    const { HOLDFAST_DATA_DIR: dataDir } = this.#env;
    try {
      const player = await startDemo({ run, apiUrl, ffmpeg, dataDir, output: this.#output, processes: this.#processes });
      if (!this.#stopped) this.#options.print(`  Demo: a test picture is being published; watch it at\n  ${player}\n`);
    } catch (error) {
      this.#processes.release(DEMO);
      this.#output.say('error', 'There is no demo', { reason: (error as Error).message });
    }
  }

  async #stopInOrder(): Promise<void> {
    // Another launcher's files are not ours to remove.
    if (!this.#ownsDataFolder) return;
    this.#output.quiet();
    await this.#runJson
      .remove()
      .catch((error: Error) => this.#output.say('error', 'run.json cannot be removed', { reason: error.message }));
    await this.#processes.stop(STOP_STAGES, async (stage) => {
      if (stage === WORKERS_STAGE) await this.#stopEncoders();
    });
    this.#releaseDataFolder();
  }

  /** A record that stays does no harm: its process is gone, and the next launcher sees that. */
  #releaseDataFolder(): void {
    try {
      this.#records.release();
    } catch (error) {
      this.#output.record('error', 'The record of this launcher cannot be removed', { reason: (error as Error).message });
    }
  }

  /** Encoders and restreams outlive a media worker by design; when everything stops, they stop too. */
  async #stopEncoders(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeOver = new Promise<void>((resolve) => (timer = setTimeout(resolve, ENCODERS_GRACE_MS)));
    const stopped = Promise.all([stopAllRestreams(this.#paths.restreams), stopAllEncoders(this.#paths.encoders)]).then(
      () => {},
      (error: Error) => this.#output.say('error', 'Not every encoder could be stopped', { reason: error.message }),
    );
    await Promise.race([stopped, timeOver]);
    clearTimeout(timer);
  }
}
