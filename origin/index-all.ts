import { readdir } from 'node:fs/promises';
import type { Logger } from '../platform/log/logger.js';
import { ID_PATTERN } from './id-pattern.js';
import { BroadcastFolder } from './store/broadcast-folder.js';
import type { BroadcastIndex } from './store/broadcast-index.js';
import { Disk } from './store/disk.js';
import { readJournalEnds } from './store/journal.js';

export interface IndexAllOptions {
  mediaDir: string;
  index: BroadcastIndex;
  /** Takes up a broadcast that has not ended, or whose journal does not say so at its end. */
  takeUp: (broadcastId: string) => Promise<void>;
  /** Stops it; the next start begins anew. */
  signal: AbortSignal;
  log: Logger;
}

/** Folders that are looked at side by side: the disk is for live broadcasts first. */
const AT_ONCE = 4;

/** Makes the index of broadcasts from before there was one. Reads the ends of each journal, all of it only where a broadcast is open. */
export async function indexAll({ mediaDir, index, takeUp, signal, log }: IndexAllOptions): Promise<void> {
  const names = (await readdir(mediaDir)).filter((name) => ID_PATTERN.test(name));
  const look = async (): Promise<void> => {
    for (let name = names.pop(); name !== undefined && !signal.aborted; name = names.pop()) {
      try {
        const ends = await readJournalEnds(new BroadcastFolder(mediaDir, name, new Disk()).journal);
        if (!ends) continue;
        await index.add(ends.open);
        if (!ends.ended) await takeUp(name);
      } catch (error) {
        log.error({ broadcastId: name, reason: String(error) }, 'broadcast on disk cannot be read');
      }
    }
  };
  const count = names.length;
  await Promise.all(Array.from({ length: AT_ONCE }, look));
  if (signal.aborted) return;
  await index.setComplete();
  if (count > 0) log.info({ folders: count }, 'broadcasts on disk indexed');
}
