import type { History } from '../store/history.js';
import type { SegmentLine } from '../store/journal-lines.js';

/**
 * Parts of one segment may have been listed and lost with a killed process: its number is not used again, it is a gap.
 * null when everything that was listed is in the journal.
 */
export function lostSegment(history: History): SegmentLine | null {
  const run = history.runs.at(-1);
  if (!run?.lowLatency || history.atRest || run.renditions.some(({ id }) => !history.init(run.run, id))) return null;
  const startMs = history.endOfTimelineMs || history.open.at;
  return { type: 'segment', msn: history.nextMsn, run: run.run, renditions: {}, gap: [run.gopSeconds, Math.round(startMs)] };
}

/**
 * What the journal keeps of a segment the disk refused: its number is not used again and its time is a gap, also after a
 * restart. A line may find room where a segment does not.
 */
export function gapInsteadOf({ msn, run, renditions, gap }: SegmentLine): SegmentLine {
  const files = Object.values(renditions);
  if (files.length === 0) return { type: 'segment', msn, run, renditions, gap };
  const seconds = Math.max(...files.map(([duration]) => duration));
  const startMs = Math.min(...files.map(([, , start]) => start));
  return { type: 'segment', msn, run, renditions: {}, gap: [seconds, startMs] };
}

/** Segments that can have been listed and not been synced: a minute of them, far more than are synced at once. */
const MAX_UNSYNCED_SEGMENTS = 30;

/**
 * When the machine itself went down in the middle of a run, the journal may have lost the last segments that viewers and caches have:
 * their numbers are left free. 0 = nothing is missing: the process alone had ended, and what it wrote is there.
 *
 * @param boot names the present start of the machine; null where that cannot be known
 */
export function firstFreeAfterBoot(history: History, boot: string | null): number {
  const run = history.runs.at(-1);
  if (!run?.boot || boot === null || run.boot === boot || history.atRest) return 0;
  return history.nextMsn + MAX_UNSYNCED_SEGMENTS;
}
