import { fileURLToPath } from 'node:url';
import { LOOPBACK } from '../../../platform/config/addresses.js';
import type { Environment } from '../../../platform/config/env.js';

/** The five processes of the product, each a program of its own under dist/. */
export const NODE_PROCESSES = ['api', 'ingest', 'origin', 'stream-worker', 'media-worker'] as const;
export type NodeProcessName = (typeof NODE_PROCESSES)[number];

export interface NodeProcess {
  name: NodeProcessName;
  /** Absolute path of its entry file. */
  script: string;
  /** Where it answers /readyz and /metrics, from this machine. */
  opsUrl: string;
}

const entry = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
/** 0.0.0.0 and :: are addresses to listen on, not to call. */
const callable = (bind: string): string => (bind === '0.0.0.0' || bind === '::' ? LOOPBACK : bind);

export function nodeProcesses(env: Environment): NodeProcess[] {
  const ops = (port: number, host = LOOPBACK) => `http://${host}:${port}`;
  return [
    { name: 'api', script: entry('api/main.js'), opsUrl: ops(env.HOLDFAST_API_PORT, callable(env.HOLDFAST_BIND)) },
    { name: 'ingest', script: entry('ingest/main.js'), opsUrl: ops(env.HOLDFAST_INGEST_CONTROL_PORT) },
    { name: 'origin', script: entry('origin/main.js'), opsUrl: ops(env.HOLDFAST_ORIGIN_CONTROL_PORT) },
    { name: 'stream-worker', script: entry('workers/stream-worker.js'), opsUrl: ops(env.HOLDFAST_STREAM_WORKER_PORT) },
    { name: 'media-worker', script: entry('workers/media-worker.js'), opsUrl: ops(env.HOLDFAST_MEDIA_WORKER_PORT) },
  ];
}

/** A process that cannot answer in this time is not ready. */
const READY_TIMEOUT_MS = 4000;

/** Asks /readyz: null = ready, else what it says. */
export async function reasonNodeProcessNotReady({ opsUrl }: NodeProcess): Promise<string | null> {
  try {
    const response = await fetch(`${opsUrl}/readyz`, { signal: AbortSignal.timeout(READY_TIMEOUT_MS) });
    const body = await response.text();
    return response.ok ? null : `/readyz says ${response.status} ${body}`;
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { code?: string } };
    return `${opsUrl}/readyz does not answer (${cause?.code ?? message})`;
  }
}

/** /healthz says only that the process still turns. */
export async function nodeProcessIsAlive({ opsUrl }: NodeProcess): Promise<boolean> {
  return fetch(`${opsUrl}/healthz`, { signal: AbortSignal.timeout(READY_TIMEOUT_MS) }).then(
    async (response) => {
      await response.arrayBuffer();
      return response.ok;
    },
    () => false,
  );
}
