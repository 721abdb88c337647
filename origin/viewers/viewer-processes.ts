import cluster, { type Worker } from 'node:cluster';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../platform/log/logger.js';
import { askViewer, type ProcessMetrics } from './viewer-messages.js';

export interface ViewerProcessesOptions {
  count: number;
  /** Path of their entry file. */
  script: string;
  log: Logger;
}

export interface ViewerProcesses {
  /** Where they all listen. */
  port: number;
  running(): number;
  /** What each of them has counted. */
  metrics(): Promise<ProcessMetrics[]>;
  close(): Promise<void>;
}

/** Between the end of one and the start of the next: what ends at once would be started without end. */
const RESPAWN_MS = 1000;
/** A process that takes longer is left out of this look. */
const METRICS_LIMIT_MS = 1000;
/** Between two signs of life that are asked for. */
const LIFE_MS = 2000;
/** Nothing a viewer process does takes that long: whoever is connected to one that hangs waits for nothing. */
const HUNG_MS = 8000;

/**
 * Processes that share one playback port: connections are dealt out to them in turn (node:cluster). One that ends or hangs
 * is replaced; all end with this process, however that ends. Rejects when one ends before it listens.
 */
export async function startViewerProcesses({ count, script, log }: ViewerProcessesOptions): Promise<ViewerProcesses> {
  cluster.setupPrimary({ exec: script });
  let closing = false;
  const listening = new Set<Worker>();
  const start = (): Promise<number> => {
    const worker = cluster.fork();
    return new Promise((resolve, reject) => {
      worker.once('listening', ({ port }) => {
        listening.add(worker);
        void killWhenHung(worker, log);
        resolve(port);
      });
      worker.once('exit', (code, signal) => {
        const hasListened = listening.delete(worker);
        if (closing) return;
        const pid = worker.process.pid;
        if (!hasListened) return reject(new Error(`Viewer process ${pid} ended before it listened (${signal || `exit code ${code}`}).`));
        log.error({ pid, code, signal }, 'viewer process ended; another one is started');
        void replace();
      });
    });
  };
  const replace = async (): Promise<void> => {
    for (let running = false; !running && !closing;) {
      await delay(RESPAWN_MS, undefined, { ref: false });
      if (closing) return;
      running = await start().then(
        () => true,
        (error: unknown) => {
          log.error({ reason: String(error) }, 'no viewer process; it is tried again');
          return false;
        },
      );
    }
  };
  const close = async (): Promise<void> => {
    closing = true;
    await Promise.all(Object.values(cluster.workers ?? {}).map((worker) => ended(worker!)));
  };
  const metrics = async (): Promise<ProcessMetrics[]> => {
    const answers = await Promise.all([...listening].map((worker) => askViewer(worker, 'metrics', METRICS_LIMIT_MS)));
    return answers.filter((answer) => answer !== null);
  };
  const ports = await Promise.all(Array.from({ length: count }, start)).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { port: ports[0]!, running: () => listening.size, metrics, close };
}

/** Viewers' connections are not waited for: players connect again. */
function ended(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    if (worker.isDead()) return resolve();
    worker.once('exit', () => resolve());
    worker.process.kill('SIGKILL');
  });
}

async function killWhenHung(worker: Worker, log: Logger): Promise<void> {
  while (!worker.isDead()) {
    await delay(LIFE_MS, undefined, { ref: false });
    if (worker.isDead() || (await askViewer(worker, 'alive', HUNG_MS)) || worker.isDead()) continue;
    log.error({ pid: worker.process.pid }, 'viewer process hangs; it is killed');
    return ended(worker);
  }
}
