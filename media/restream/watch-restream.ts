import { setTimeout as delay } from 'node:timers/promises';
import type { RestreamVerdict } from '../../domain/restream-liveness.js';
import { isRunning } from '../process/process-identity.js';
import type { RestreamRecord } from './restream-registry.js';
import type { RestreamRun } from './restream-run.js';
import { RestreamWatch } from './restream-watch.js';

export interface WatchRestreamDeps {
  /** Of the ingest on this machine. */
  programmePort: number;
  /** Media has really left for the platform; once. */
  onLive: (run: RestreamRun, record: RestreamRecord) => Promise<void>;
  /** For the API's figure. */
  report: (run: RestreamRun) => void;
}

/** `ended`: by itself; the others have to be cut. */
export type SeenRestreamEnd = Extract<RestreamVerdict, 'ended' | 'unreachable' | 'wedged'>;

/** How often the process is looked at, and what it has sent is read: a refused key must be told within moments. */
const CONNECTING_INTERVALS = { watchMs: 250, readMs: 250 };
/** The same once it is live; each look costs CPU, for as many destinations as there are. */
const LIVE_INTERVALS = { watchMs: 500, readMs: 3000 };
/** How often the API's figure is renewed. */
const REPORT_INTERVAL_MS = 5000;

/**
 * Watches a connection until it ends, or has to be ended.
 *
 * @param signal stop watching
 * @returns null when it was told to stop watching
 */
export async function watchRestream(
  deps: WatchRestreamDeps,
  run: RestreamRun,
  record: RestreamRecord,
  signal: AbortSignal,
): Promise<SeenRestreamEnd | null> {
  const connection = new RestreamWatch(record, deps.programmePort);
  let readAt = 0;
  let reportedAt = performance.now();
  while (!signal.aborted) {
    const { watchMs, readMs } = record.live ? LIVE_INTERVALS : CONNECTING_INTERVALS;
    if (!isRunning(record.process)) return 'ended';
    const now = performance.now();
    if (readAt === 0 || now - readAt >= readMs) {
      readAt = now;
      const { verdict, bytesSent, mediaSeconds } = connection.read();
      Object.assign(run, { bytesSent, mediaSeconds });
      if (verdict === 'live' && !record.live) await deps.onLive(run, record);
      if (verdict === 'unreachable' || verdict === 'wedged') return verdict;
      if (record.live && now - reportedAt >= REPORT_INTERVAL_MS) {
        reportedAt = now;
        deps.report(run);
      }
    }
    await delay(watchMs, undefined, { signal }).catch(() => undefined);
  }
  return null;
}
