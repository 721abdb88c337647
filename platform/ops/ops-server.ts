import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Logger } from '../log/logger.js';

/** Answers of a dependency check: resolves when it answers, rejects with the reason when not. */
export type ReadyCheck = () => Promise<void>;

export interface OpsServerOptions {
  host: string;
  port: number;
  /** Checked by /readyz, by name. */
  readyChecks: Record<string, ReadyCheck>;
  registry: Pick<Registry, 'contentType' | 'metrics'>;
  log: Logger;
  /** Asked first, for a process's own addresses; true = it answers this request. */
  handle?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** A readiness check that takes longer counts as failed, so that /readyz never hangs. */
const READY_CHECK_TIMEOUT_MS = 2000;

/** Node's own default of 10 ms wakes an idle process a hundred times a second, which costs more than the rest of it. */
const EVENT_LOOP_SAMPLING_MS = 250;

/** A registry with Node's own metrics and the process's name as a label. */
export function createRegistry(processName: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ process: processName });
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLING_MS });
  return registry;
}

/** Runs every check beside the others; null = fine, else the reason. */
export async function runReadyChecks(checks: Record<string, ReadyCheck>): Promise<Record<string, string | null>> {
  const entries = await Promise.all(
    Object.entries(checks).map(async ([name, check]): Promise<[string, string | null]> => [name, await reasonNotReady(check)]),
  );
  return Object.fromEntries(entries);
}

async function reasonNotReady(check: ReadyCheck): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${READY_CHECK_TIMEOUT_MS} ms`)), READY_CHECK_TIMEOUT_MS);
  });
  try {
    await Promise.race([check(), timeout]);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Serves /healthz (the process is up), /readyz (its dependencies answer) and /metrics (Prometheus text). */
export async function startOpsServer(options: OpsServerOptions): Promise<Server> {
  const server = createServer((request, response) => {
    serve(options, request, response).catch((error: unknown) => {
      // Whatever was asked for: this answer is lost, the process is not.
      options.log.error({ err: error }, 'request failed');
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port, options.host, resolve);
  });
  return server;
}

async function serve(options: OpsServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (options.handle?.(request, response)) return;
  const { status, type, body } = await answer(options, request.url ?? '/');
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
}

async function answer(options: OpsServerOptions, url: string): Promise<{ status: number; type: string; body: string }> {
  const json = 'application/json';
  switch (url.split('?')[0]) {
    case '/healthz':
      return { status: 200, type: json, body: '{"status":"ok"}' };
    case '/readyz': {
      const reasons = await runReadyChecks(options.readyChecks);
      const ready = Object.values(reasons).every((reason) => reason === null);
      return { status: ready ? 200 : 503, type: json, body: JSON.stringify({ status: ready ? 'ready' : 'not ready', checks: reasons }) };
    }
    case '/metrics':
      return { status: 200, type: options.registry.contentType, body: await options.registry.metrics() };
    default:
      return { status: 404, type: json, body: '{"code":"not_found"}' };
  }
}
