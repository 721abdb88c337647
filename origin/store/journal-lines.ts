import type { Rendition } from '../../domain/ladder.js';
import type { Latency, PlaybackPolicy } from '../../domain/stream.js';
import type { LowLatencyConstants } from '../hls/low-latency.js';

/*
 * A broadcast's journal: JSON, one line per thing that has happened, only ever appended to. A segment's line is
 * written after its files, so that whatever the journal lists is on disk, whenever the process ends. What a power cut can lose, and
 * how that is found: docs/durability.md.
 */
export type JournalLine = OpenLine | KeepLine | RunLine | InitLine | SegmentLine | RestLine | SyncedLine | LostLine | EndLine;

/** First line. */
export interface OpenLine {
  type: 'open';
  /** Milliseconds of the wall clock; the newest broadcast of a playback id is the one it shows. */
  at: number;
  broadcastId: string;
  playbackId: string;
  streamId: string;
  latency: Latency;
  playbackPolicy: PlaybackPolicy;
  keep: boolean;
}

/** The broadcast became recorded after it had been opened. */
export interface KeepLine {
  type: 'keep';
  keep: boolean;
}

/** An encoder was announced. Runs are numbered 0, 1, 2 … over the broadcast. */
export interface RunLine {
  type: 'run';
  run: number;
  epoch: number;
  gopSeconds: number;
  /** EXT-X-TARGETDURATION and the part constants; from the second run on the first run's count. */
  targetDuration: number;
  partTarget: number;
  /** Only of a broadcast that is served in parts. */
  lowLatency?: LowLatencyConstants;
  renditions: Rendition[];
  /** Numbers of segments and discontinuities jump to this here: another host had the broadcast before. */
  fromSequence?: number;
  /** Which start of the machine it was made in, where that is known: what was not synced is lost with it. */
  boot?: string;
}

/** A rendition's header is on disk as `file`. */
export interface InitLine {
  type: 'init';
  run: number;
  rendition: string;
  file: string;
  codec: string;
  width: number;
  height: number;
  /** Size of the file; journals from before do not have it. */
  bytes?: number;
}

/** A segment is on disk in these renditions; one that is not named has a gap there. */
export interface SegmentLine {
  type: 'segment';
  /** Media sequence number: 0, 1, 2 … over the broadcast (see `fromSequence`), the same in all renditions. */
  msn: number;
  run: number;
  renditions: Record<string, SegmentFile>;
  /** No rendition has it: how long it is instead, and where it starts. Its parts were lost with the process. */
  gap?: [seconds: number, startMs: number];
}

/** An encoder is over and all it sent is above: nothing was listed that is not in here. */
export interface RestLine {
  type: 'rest';
  run: number;
}

/** The files of every segment up to this number, and of their headers, survive the loss of power. */
export interface SyncedLine {
  type: 'synced';
  msn: number;
}

/** Files of a listed segment that a power cut took: a gap in these renditions. */
export interface LostLine {
  type: 'lost';
  msn: number;
  renditions: string[];
}

/** `[seconds, bytes, start]`, start in milliseconds of the wall clock (EXT-X-PROGRAM-DATE-TIME). */
export type SegmentFile = [duration: number, bytes: number, startMs: number];

export interface EndLine {
  type: 'end';
  at: number;
}
