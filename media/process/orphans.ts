import type { Logger } from '../../platform/log/logger.js';
import { stopFfmpeg } from './ffmpeg-process.js';
import type { ProcessRecord, ProcessRegistry } from './process-registry.js';

/** An encoder or a restream; both belong to a broadcast. */
export interface BroadcastProcess extends ProcessRecord {
  broadcastId: string;
}

export interface OrphanOptions<T extends BroadcastProcess> {
  registry: ProcessRegistry<T>;
  /** Those of these broadcasts that have not ended. */
  openAmong(broadcastIds: string[]): Promise<string[]>;
  log: Logger;
}

/**
 * Ends what still runs for broadcasts that are over or deleted: their workflows ended while this host had no worker, so
 * nobody will ask for it. Records of processes that are gone are removed with them. Returns how many were still running.
 */
export async function endOrphans<T extends BroadcastProcess>({ registry, openAmong, log }: OrphanOptions<T>): Promise<number> {
  const records = await registry.list();
  if (records.length === 0) return 0;
  const open = new Set(await openAmong([...new Set(records.map(({ broadcastId }) => broadcastId))]));
  const orphans = records.filter(({ broadcastId }) => !open.has(broadcastId));
  const ended = await Promise.all(
    orphans.map(async (record) => {
      const wasRunning = await stopFfmpeg(record.process);
      await registry.forget(record);
      if (wasRunning) log.warn({ broadcastId: record.broadcastId, pid: record.process.pid }, 'process of a broadcast that is over ended');
      return wasRunning;
    }),
  );
  return ended.filter(Boolean).length;
}
