/** What is known of one connection at one moment. */
export interface RestreamReading {
  running: boolean;
  /** Milliseconds the platform has been asked to take the stream and has not; null before there is a connection, and after. */
  connectingMs: number | null;
  /** Milliseconds since the first media was written; null before. */
  sendingMs: number | null;
  /** Milliseconds since the platform last took something, or there was nothing to take. */
  stalledMs: number;
}

/** `settling`: media is being written, but the platform may still refuse it. */
export type RestreamVerdict = 'ended' | 'unreachable' | 'wedged' | 'connecting' | 'settling' | 'live';

/** A platform that answers TCP and nothing more is no platform; the slowest real one answers in a few seconds. */
export const CONNECT_LIMIT_MS = 15_000;
/** Many platforms accept any stream key and close the connection a moment later instead of answering. */
export const SETTLE_MS = 2000;
/**
 * 30 s without progress is what the field calls wedged; a frozen platform's kernel takes and acknowledges some seconds more
 * (13 s seen at 3 Mbit/s) before anything stalls here, so this side waits less.
 */
export const WEDGED_MS = 25_000;

/** Liveness is bytes the other side has acknowledged, never "the process is there" or "the connection is open". */
export function judgeRestream({ running, connectingMs, sendingMs, stalledMs }: RestreamReading): RestreamVerdict {
  if (!running) return 'ended';
  if (sendingMs === null) return connectingMs !== null && connectingMs > CONNECT_LIMIT_MS ? 'unreachable' : 'connecting';
  if (stalledMs > WEDGED_MS) return 'wedged';
  return sendingMs >= SETTLE_MS && stalledMs < SETTLE_MS ? 'live' : 'settling';
}
