import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../platform/log/logger.js';
import { INDEX_FOLDER } from './broadcast-index.js';

/** A folder on its way out: renamed first, so that no reader sees half of it. */
export const DELETED_PREFIX = '.deleted-';

export interface SweptBroadcast {
  /** Recorded: it stays until it is deleted by name. */
  keep: boolean;
  /** Wall clock (ms) of its end, or of its last media. */
  lastActivityMs: number;
}

/** What the sweep needs of the broadcasts. */
export interface SweptBroadcasts {
  /** null = the folder is of no broadcast. */
  swept(broadcastId: string): Promise<SweptBroadcast | null>;
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
/** It looks at every folder: after a start encoders and viewers that come back are first. */
const FIRST_SWEEP_MS = 60_000;

/**
 * Deletes half-deleted folders, folders no broadcast belongs to, and broadcasts far beyond their retention.
 * What fails is logged and tried again with the next sweep.
 */
export async function sweep({ mediaDir, broadcasts, retentionHours, log }: SweepOptions, now = Date.now()): Promise<void> {
  const expiredBefore = now - (retentionHours + GRACE_HOURS) * MS_PER_HOUR;
  for (const name of await readdir(mediaDir)) {
    if (name === INDEX_FOLDER) continue;
    try {
      const broadcast = name.startsWith(DELETED_PREFIX) ? null : await broadcasts.swept(name);
      if (broadcast === null) {
        if (!name.startsWith(DELETED_PREFIX) && !(await isOld(join(mediaDir, name), now))) continue;
        log.info({ folder: name }, 'left-over folder deleted');
        await rm(join(mediaDir, name), { recursive: true, force: true });
      } else if (!broadcast.keep && broadcast.lastActivityMs < expiredBefore) {
        log.info({ broadcastId: name }, 'broadcast beyond its retention deleted');
        await broadcasts.remove(name);
      }
    } catch (error) {
      log.error({ folder: name, reason: String(error) }, 'folder not swept');
    }
  }
}

async function isOld(path: string, now: number): Promise<boolean> {
  return now - (await stat(path)).mtimeMs > UNKNOWN_FOLDER_AGE_MS;
}

/** Sweeps a little later and then every hour; the returned function stops it. */
export function startSweep(options: SweepOptions): () => void {
  const run = (): void => {
    sweep(options).catch((error: unknown) => options.log.error({ reason: String(error) }, 'sweep failed'));
  };
  const first = setTimeout(run, FIRST_SWEEP_MS);
  const timer = setInterval(run, SWEEP_INTERVAL_MS);
  return () => {
    clearTimeout(first);
    clearInterval(timer);
  };
}
