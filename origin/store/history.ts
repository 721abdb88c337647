import { EMPTY_TALLY, tallySegment, type RateTally } from '../hls/bandwidth.js';
import type { LowLatencyConstants } from '../hls/low-latency.js';
import type { LiveEdge } from './live-edge.js';
import type { InitLine, JournalLine, LostLine, OpenLine, RunLine, SegmentFile, SegmentLine } from './journal-lines.js';

/** A listed segment with what its place in the broadcast says about it. */
export interface HistorySegment {
  msn: number;
  run: number;
  /** First segment of a run that is not the first: EXT-X-DISCONTINUITY. */
  discontinuity: boolean;
  /** Discontinuities up to and including this segment. */
  discontinuities: number;
  /** Seconds; of the longest rendition, used where a rendition has a gap. */
  duration: number;
  startMs: number;
  renditions: Record<string, SegmentFile>;
  /** The disk refused it: it is played live from memory and is a gap afterwards. */
  lost: boolean;
}

/** Everything a broadcast's journal says, in memory. */
export class History {
  readonly open: OpenLine;
  readonly runs: RunLine[] = [];
  readonly segments: HistorySegment[] = [];
  keep: boolean;
  /** Wall clock (ms) of the end; null while the broadcast is open. */
  endedAt: number | null = null;
  durationSeconds = 0;
  bytes = 0;
  /** Grows with everything a playlist shows. */
  version = 0;
  /** What is listed beyond the journal; null without low latency, and when the broadcast is over. */
  edge: LiveEdge | null = null;
  /** Index of the first segment after the last hole in the numbers: playlists number their segments by their place. */
  continuousFrom = 0;
  /** The last run is over and journalled to its end. */
  atRest = true;
  /** Number of the last segment whose files are known to survive the loss of power; -1 = of none. */
  syncedMsn = -1;
  /** Runs that were playable before their first segment was on disk. */
  #playableRuns = new Set<number>();
  #counts = new Map<string, number>();
  #rates = new Map<string, RateTally>();
  #inits = new Map<string, InitLine>();

  constructor(open: OpenLine) {
    this.open = open;
    this.keep = open.keep;
  }

  apply(line: JournalLine): void {
    this.version++;
    switch (line.type) {
      case 'open':
        return;
      case 'keep':
        this.keep = line.keep;
        return;
      case 'run':
        this.runs.push(line);
        this.atRest = false;
        return;
      case 'init':
        this.#inits.set(`${line.run}/${line.rendition}`, line);
        return;
      case 'segment':
        this.addSegment(line, false);
        return;
      case 'rest':
        this.atRest = true;
        return;
      case 'synced':
        this.syncedMsn = Math.max(this.syncedMsn, line.msn);
        return;
      case 'lost':
        this.#lose(line);
        return;
      case 'end':
        this.endedAt = line.at;
        this.edge = null;
    }
  }

  /** The header of a rendition in a run; undefined when that run has no such rendition. */
  init(run: number, rendition: string): InitLine | undefined {
    return this.#inits.get(`${run}/${rendition}`);
  }

  /** Number of the next segment. */
  get nextMsn(): number {
    return Math.max((this.segments.at(-1)?.msn ?? -1) + 1, this.runs.at(-1)?.fromSequence ?? 0);
  }

  /** Where the numbers last jumped to; 0 = never. */
  get lastJump(): number {
    return this.runs.findLast((run) => run.fromSequence !== undefined)?.fromSequence ?? 0;
  }

  /** Wall clock (ms) where the timeline of the last segment ends; program date time never steps behind it. */
  get endOfTimelineMs(): number {
    const last = this.segments.at(-1);
    const MS = 1000;
    return last ? last.startMs + last.duration * MS : 0;
  }

  /** Wall clock (ms) of the last thing that happened to it. */
  get lastActivityMs(): number {
    return Math.max(this.open.at, this.endOfTimelineMs, this.endedAt ?? 0);
  }

  /** Segments of a rendition in a run. */
  count(run: number, rendition: string): number {
    return this.#counts.get(`${run}/${rendition}`) ?? 0;
  }

  /** What a rendition's segments weigh, over all runs. */
  rate(rendition: string): RateTally {
    return this.#rates.get(rendition) ?? EMPTY_TALLY;
  }

  /** Constants of a broadcast in parts; null for one without. */
  get lowLatency(): LowLatencyConstants | null {
    return this.runs[0]?.lowLatency ?? null;
  }

  /** The edge shows something new. */
  touch(): void {
    this.version++;
  }

  /** Every rendition of a run has a closed segment, in memory at least. */
  markPlayable(run: number): void {
    this.#playableRuns.add(run);
    this.version++;
  }

  /** The newest run that is playable: every rendition of it has a segment. null = nothing can be shown yet. */
  get playableRun(): RunLine | null {
    return this.runs.findLast((run) => this.isPlayable(run)) ?? null;
  }

  isPlayable({ run, renditions }: RunLine): boolean {
    return this.#playableRuns.has(run) || renditions.every(({ id }) => this.count(run, id) > 0);
  }

  addSegment({ msn, run, renditions, gap = [0, 0] }: SegmentLine, lost: boolean): void {
    this.version++;
    const previous = this.segments.at(-1);
    const discontinuity = previous !== undefined && previous.run !== run;
    if (previous && previous.msn + 1 < msn) this.continuousFrom = this.segments.length;
    const atLeast = previous?.run === run ? 0 : (this.runs[run]?.fromSequence ?? 0);
    const files = Object.values(renditions);
    const [gapSeconds, gapStartMs] = gap;
    const duration = Math.max(gapSeconds, ...files.map(([seconds]) => seconds));
    this.segments.push({
      msn,
      run,
      discontinuity,
      discontinuities: Math.max((previous?.discontinuities ?? 0) + Number(discontinuity), atLeast),
      duration,
      startMs: files.length > 0 ? Math.min(...files.map(([, , startMs]) => startMs)) : gapStartMs,
      renditions,
      lost,
    });
    for (const [id, [seconds, bytes]] of Object.entries(renditions)) {
      this.#counts.set(`${run}/${id}`, this.count(run, id) + 1);
      this.#rates.set(id, tallySegment(this.rate(id), seconds, bytes));
    }
    this.durationSeconds += duration;
    this.bytes += files.reduce((sum, [, bytes]) => sum + bytes, 0);
  }

  /** Counted it stays: it is listed, as a gap, and the other renditions can be played all the same. */
  #lose({ msn, renditions }: LostLine): void {
    const segment = this.segments.findLast((listed) => listed.msn === msn);
    if (!segment) return;
    for (const rendition of renditions) {
      const file = segment.renditions[rendition];
      if (!file) continue;
      this.bytes -= file[1];
    }
    segment.renditions = Object.fromEntries(Object.entries(segment.renditions).filter(([id]) => !renditions.includes(id)));
  }
}
