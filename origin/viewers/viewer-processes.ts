import cluster, { type Worker } from 'node:cluster';
import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import type { Logger } from '../../log/logger.js';

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

/** What `getMetricsAsJSON` of prom-client gives. */
export type ProcessMetrics = MetricObjectWithValues<MetricValue<string>>[];

interface MetricsRequest {
  askFor: 'metrics';
  id: number;
}

interface MetricsAnswer {
  id: number;
  metrics: ProcessMetrics;
}

/** Between the end of one and the start of the next: what ends at once would be started without end. */
const RESPAWN_MS = 1000;
/** A process that takes longer is left out of this look. */
const METRICS_LIMIT_MS = 1000;

/**
 * Processes that share one playback port: the kernel's connections are dealt out to them in turn (node:cluster). One that
 * ends is replaced; all end with this process, however that ends. Rejects when one ends before it listens.
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
        resolve(port);
      });
      worker.once('exit', (code, signal) => {
        const hasListened = listening.delete(worker);
        if (closing) return;
        const pid = worker.process.pid;
        if (!hasListened) return reject(new Error(`Viewer process ${pid} ended before it listened (${signal || `exit code ${code}`}).`));
        log.error({ pid, code, signal }, 'viewer process ended; another one is started');
        replace();
      });
    });
  };
  const replace = (): void => {
    setTimeout(() => {
      if (!closing) start().catch((error: unknown) => {
        log.error({ reason: String(error) }, 'no viewer process; it is tried again');
        replace();
      });
    }, RESPAWN_MS);
  };
  const close = async (): Promise<void> => {
    closing = true;
    await Promise.all(Object.values(cluster.workers ?? {}).map((worker) => ended(worker!)));
  };
  const ports = await Promise.all(Array.from({ length: count }, start)).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { port: ports[0]!, running: () => listening.size, metrics: () => collectMetrics([...listening]), close };
}

/** Viewers' connections are not waited for: players connect again. */
function ended(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    if (worker.isDead()) return resolve();
    worker.once('exit', () => resolve());
    worker.process.kill('SIGKILL');
  });
}

let lastRequest = 0;

async function collectMetrics(workers: readonly Worker[]): Promise<ProcessMetrics[]> {
  const answers = await Promise.all(workers.map(metricsOf));
  return answers.filter((metrics) => metrics !== null);
}

function metricsOf(worker: Worker): Promise<ProcessMetrics | null> {
  const id = ++lastRequest;
  return new Promise((resolve) => {
    const settle = (metrics: ProcessMetrics | null): void => {
      clearTimeout(timer);
      worker.off('message', take);
      resolve(metrics);
    };
    const take = (message: MetricsAnswer): void => {
      if (message.id === id) settle(message.metrics);
    };
    const timer = setTimeout(() => settle(null), METRICS_LIMIT_MS);
    worker.on('message', take);
    worker.send({ askFor: 'metrics', id } satisfies MetricsRequest, (error: Error | null) => error && settle(null));
  });
}

/** The other end, in a viewer process. */
export function answerForMetrics(read: () => Promise<ProcessMetrics>): void {
  process.on('message', (message: Partial<MetricsRequest>) => {
    const { askFor, id } = message;
    if (askFor === 'metrics' && id !== undefined) void read().then((metrics) => process.send?.({ id, metrics } satisfies MetricsAnswer));
  });
}
