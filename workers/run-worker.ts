import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, type Worker } from '@temporalio/worker';
import type { Server } from 'node:http';
import type { Registry } from 'prom-client';
import { LOOPBACK } from '../platform/config/addresses.js';
import type { Logger } from '../platform/log/logger.js';
import { explainListenError } from '../platform/ops/listen-error.js';
import { startOpsServer, type ReadyCheck } from '../platform/ops/ops-server.js';

export interface RunWorker {
  temporalAddress: string;
  opsPort: number;
  /** Name of the variable that sets opsPort, for the message when it is taken. */
  opsPortVariable: string;
  registry: Registry;
  readyChecks: Record<string, ReadyCheck>;
  log: Logger;
  create: (connection: NativeConnection) => Promise<Worker>;
  /** Resolves when the worker shall leave; without it the SDK's own signals decide. */
  leave?: Promise<unknown>;
}

const RECONNECT_MS = 500;

/** The workflow code as built; one file, so that no compiler runs in production. */
export const workflowBundle = () => ({ codePath: fileURLToPath(new URL('../workflow-bundle.js', import.meta.url)) });

/**
 * Sends the SDK's own log lines through the process's logger. Once per process, before any worker. `ownSignals`: it leaves the
 * signals alone.
 */
export function installRuntime(log: Logger, options: { ownSignals?: boolean } = {}): void {
  Runtime.install({
    ...(options.ownSignals ? { shutdownSignals: [] } : {}),
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      const { error, ...rest } = meta ?? {};
      const method = level === 'ERROR' ? 'error' : level === 'WARN' ? 'warn' : 'debug';
      log[method]({ ...safeMeta(rest), ...(error ? { err: error as Error } : {}) }, message);
    }),
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } } },
  });
}

/** Logged metadata: ids and names, not whole arguments. */
function safeMeta(meta: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(meta).filter(([, value]) => typeof value === 'string' || typeof value === 'number'));
}

/** Connects (waiting for Temporal as long as it takes), serves health and metrics, and runs until a signal says stop. */
export async function runWorker(options: RunWorker): Promise<void> {
  let worker: Worker | null = null;
  const ops = await listen(options, () => worker);
  const connection = await connect(options);
  try {
    worker = await options.create(connection);
    options.log.info({ taskQueue: worker.options.taskQueue }, 'worker polls');
    const running = worker;
    void options.leave?.then(() => {
      if (running.getState() === 'RUNNING') running.shutdown();
    });
    await worker.run();
    options.log.info('worker stopped');
  } finally {
    await connection.close();
    ops.close();
  }
}

async function listen(options: RunWorker, worker: () => Worker | null): Promise<Server> {
  const running: ReadyCheck = async () => {
    const state = worker()?.getState() ?? 'CONNECTING';
    if (state !== 'RUNNING') throw new Error(`worker is ${state}`);
  };
  try {
    const { opsPort: port, registry, log } = options;
    return await startOpsServer({ host: LOOPBACK, port, registry, log, readyChecks: { worker: running, ...options.readyChecks } });
  } catch (error) {
    throw explainListenError(error, { [options.opsPort]: options.opsPortVariable });
  }
}

async function connect({ temporalAddress, log }: RunWorker): Promise<NativeConnection> {
  for (let told = false; ; told = true) {
    try {
      return await NativeConnection.connect({ address: temporalAddress });
    } catch (error) {
      if (!told) log.warn({ temporalAddress, reason: String(error) }, 'Temporal does not answer; waiting for it');
      await delay(RECONNECT_MS);
    }
  }
}
