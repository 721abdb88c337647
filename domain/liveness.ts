/** What is known of one encoder at one moment. */
export interface EncoderReading {
  running: boolean;
  /** Seconds of media the origin has received from it, of its slowest rendition. */
  mediaSeconds: number;
  /** Milliseconds since mediaSeconds last grew (since the start, before the first). */
  stalledMs: number;
  /** null: the ingest does not answer, so nothing is known of the publisher. */
  publisher: 'sending' | 'silent' | 'gone' | null;
  /** Milliseconds the publisher has been sending without a pause: what came before may still be on its way. */
  sendingMs: number;
  /** false: nothing is known of mediaSeconds now. */
  originAnswers: boolean;
}

/**
 * `source_gone`: the ingest says that the publisher has left. `source_unknown`: the encoder has ended, and the ingest does not
 * answer: its input may be gone with the ingest, and whether its publisher is there nobody can tell now.
 */
export type EncoderVerdict = 'healthy' | 'crashed' | 'stalled' | 'source_gone' | 'source_unknown';

/** Until the first media: longer than the slowest start (an 8 s GOP at a mid-GOP join), shorter than a viewer's patience. */
export const START_LIMIT_MS = 10_000;
/** Once media flows it comes many times a second, from a machine that is too slow as well: a viewer has less than this ahead. */
export const STALL_LIMIT_MS = 2_500;
/** An origin that is started again answers sooner; one that has frozen does not, and then its viewers wait. */
export const UNANSWERED_LIMIT_MS = 6_000;
/** After its publisher has gone, an encoder drains what it has in well under this time. */
export const DRAIN_LIMIT_MS = 3_000;

/** Liveness is media that arrives, never "the process is there". */
export function judgeEncoder(reading: EncoderReading): EncoderVerdict {
  if (!reading.running) {
    if (reading.publisher === null) return 'source_unknown';
    return reading.publisher === 'gone' ? 'source_gone' : 'crashed';
  }
  if (reading.publisher === 'gone') return reading.stalledMs > DRAIN_LIMIT_MS ? 'source_gone' : 'healthy';
  if (reading.publisher === 'sending' && Math.min(reading.stalledMs, reading.sendingMs) > stallLimit(reading)) return 'stalled';
  return 'healthy';
}

/**
 * Whether viewers get nothing new from an encoder although nobody can be blamed: its ingest answers nothing (it is frozen, say),
 * and may be back at any moment. null: nothing is known that would change what was said last.
 */
export function isDryFor({ publisher, stalledMs, originAnswers, mediaSeconds }: EncoderReading): boolean | null {
  if (mediaSeconds === 0 || !originAnswers) return null;
  if (stalledMs <= STALL_LIMIT_MS) return false;
  return publisher === null ? true : null;
}

function stallLimit({ originAnswers, mediaSeconds }: EncoderReading): number {
  if (!originAnswers) return UNANSWERED_LIMIT_MS;
  return mediaSeconds > 0 ? STALL_LIMIT_MS : START_LIMIT_MS;
}
