import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../platform/log/logger.js';

/** A folder on its way out: renamed first, so that no reader sees half of it. */
export const DELETED_PREFIX = '.deleted-';

/** What the sweep needs of the broadcasts. */
export interface SweptBroadcasts {
  has(broadcastId: string): boolean;
  expiredBefore(timeMs: number): string[];
  remove(broadcastId: string): Promise<void>;
}

export interface SweepOptions {
  mediaDir: string;
  broadcasts: SweptBroadcasts;
  /** The control plane deletes after this many hours; the sweep catches what it forgot, a day later. */
  retentionHours: number;
  log: Logger;
}

const GRACE_HOURS = 24;
const MS_PER_HOUR = 3_600_000;
/** A folder without a readable journal may be one that is being made just now. */
const UNKNOWN_FOLDER_AGE_MS = MS_PER_HOUR;
const SWEEP_INTERVAL_MS = MS_PER_HOUR;

/**
 * Deletes half-deleted folders, folders no broadcast belongs to, and broadcasts far beyond their retention.
 * What fails is logged and tried again with the next sweep.
 */
export async function sweep({ mediaDir, broadcasts, retentionHours, log }: SweepOptions, now = Date.now()): Promise<void> {
  for (const name of await readdir(mediaDir)) {
    if (name.startsWith(DELETED_PREFIX) || (!broadcasts.has(name) && (await isOld(join(mediaDir, name), now)))) {
      log.info({ folder: name }, 'left-over folder deleted');
      await rm(join(mediaDir, name), { recursive: true, force: true });
    }
  }
  for (const broadcastId of broadcasts.expiredBefore(now - (retentionHours + GRACE_HOURS) * MS_PER_HOUR)) {
    log.info({ broadcastId }, 'broadcast beyond its retention deleted');
    await broadcasts.remove(broadcastId);
  }
}

async function isOld(path: string, now: number): Promise<boolean> {
  return now - (await stat(path)).mtimeMs > UNKNOWN_FOLDER_AGE_MS;
}

/** Sweeps now and every hour; the returned function stops it. */
export function startSweep(options: SweepOptions): () => void {
  const run = (): void => {
    sweep(options).catch((error: unknown) => options.log.error({ reason: String(error) }, 'sweep failed'));
  };
  run();
  const timer = setInterval(run, SWEEP_INTERVAL_MS);
  return () => clearInterval(timer);
}
