import { readFile } from 'node:fs/promises';
import type { BroadcastStatus } from '../../domain/contracts/origin-control.js';
import type { BroadcastFolder } from './broadcast-folder.js';
import type { Disk } from './disk.js';
import type { OpenLine } from './journal-lines.js';

/** What has to be known of an ended broadcast until somebody watches it; all of it is in the journal as well, which is large. */
export interface BroadcastSummary {
  open: OpenLine;
  /** Recorded: its files stay until they are deleted by name. */
  keep: boolean;
  /** Wall clock, ms. */
  endedAt: number;
  status: BroadcastStatus;
}

/** null when there is none, or it is no summary: the journal says the same. */
export async function readSummary({ summary: path }: BroadcastFolder): Promise<BroadcastSummary | null> {
  try {
    const summary = JSON.parse(await readFile(path, 'utf8')) as Partial<BroadcastSummary> | null;
    return summary?.open && summary.status && typeof summary.endedAt === 'number' ? (summary as BroadcastSummary) : null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof SyntaxError || code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}

export const writeSummary = (folder: BroadcastFolder, disk: Disk, summary: BroadcastSummary): Promise<void> =>
  disk.writeSynced(folder.summary, JSON.stringify(summary), folder.path);
