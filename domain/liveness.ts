/** What is known of one encoder at one moment. */
export interface EncoderReading {
  running: boolean;
  /** Seconds of media the origin has received from it, of its slowest rendition. */
  mediaSeconds: number;
  /** Milliseconds since mediaSeconds last grew (since the start, before the first). */
  stalledMs: number;
  /** null: the ingest does not answer, so nothing is known of the publisher. */
  publisher: 'sending' | 'silent' | 'gone' | null;
}

export type EncoderVerdict = 'healthy' | 'crashed' | 'stalled' | 'source_gone';

/** Longer than the slowest start (an 8 s GOP at a mid-GOP join), shorter than a viewer's patience. */
export const STALL_LIMIT_MS = 10_000;
/** After its publisher has gone, an encoder drains what it has in well under this time. */
export const DRAIN_LIMIT_MS = 3_000;

/** Liveness is media that arrives, never "the process is there". */
export function judgeEncoder(reading: EncoderReading): EncoderVerdict {
  if (!reading.running) return reading.publisher === 'gone' || reading.publisher === null ? 'source_gone' : 'crashed';
  if (reading.publisher === 'gone') return reading.stalledMs > DRAIN_LIMIT_MS ? 'source_gone' : 'healthy';
  if (reading.publisher === 'sending' && reading.stalledMs > STALL_LIMIT_MS) return 'stalled';
  return 'healthy';
}
