import { stat } from 'node:fs/promises';
import { segmentFile, type BroadcastFolder } from './broadcast-folder.js';
import type { History, HistorySegment } from './history.js';
import type { LostLine } from './journal-lines.js';

/** Segments whose files are looked at side by side. */
const AT_ONCE = 32;

/**
 * What the journal lists and the disk has not, or not all of: the power went before it was synced. Only what is listed behind the last
 * `synced` line is looked at; of a journal from before there were any, everything.
 */
export async function findLosses(history: History, folder: BroadcastFolder): Promise<LostLine[]> {
  const unsure = history.segments.filter(({ msn }) => msn > history.syncedMsn);
  const headers = new Map<string, boolean>();
  const hasHeader = async ({ run }: HistorySegment, rendition: string): Promise<boolean> => {
    const key = `${run}/${rendition}`;
    const line = history.init(run, rendition);
    const has = headers.get(key) ?? (line !== undefined && isWhole(await sizeOf(folder.file(rendition, line.file)), line.bytes));
    headers.set(key, has);
    return has;
  };
  const lostOf = async (segment: HistorySegment): Promise<LostLine> => {
    const lost: string[] = [];
    for (const [rendition, [, bytes]] of Object.entries(segment.renditions)) {
      const size = await sizeOf(folder.file(rendition, segmentFile(segment.msn)));
      if (!isWhole(size, bytes) || !(await hasHeader(segment, rendition))) lost.push(rendition);
    }
    return { type: 'lost', msn: segment.msn, renditions: lost };
  };
  const losses: LostLine[] = [];
  for (let from = 0; from < unsure.length; from += AT_ONCE)
    losses.push(...(await Promise.all(unsure.slice(from, from + AT_ONCE).map(lostOf))));
  return losses.filter(({ renditions }) => renditions.length > 0);
}

/** Files of segments and headers that may not have been synced. */
export function unsyncedFiles(history: History, folder: BroadcastFolder): string[] {
  const unsure = history.segments.filter(({ msn }) => msn > history.syncedMsn);
  const files = unsure.flatMap(({ msn, run, renditions }) =>
    Object.keys(renditions).flatMap((rendition) => {
      const header = history.init(run, rendition);
      return [folder.file(rendition, segmentFile(msn)), ...(header ? [folder.file(rendition, header.file)] : [])];
    }),
  );
  return [...new Set(files)];
}

/** Headers of journals from before say nothing of their size. */
const isWhole = (size: number, expected: number | undefined): boolean => (expected === undefined ? size > 0 : size === expected);

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return -1;
    throw error;
  }
}
