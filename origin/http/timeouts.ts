/** Players ask every one or two seconds; a connection that is kept longer than that saves a handshake each time. */
export const KEEP_ALIVE_SECONDS = 30;
/** A head is a few hundred bytes; whoever needs longer (ms) for it only holds the connection. */
export const HEAD_LIMIT_MS = 10_000;
/** A viewer who takes nothing of an answer for so long (ms) is gone. */
export const STUCK_LIMIT_MS = 30_000;
/** How often connections are looked at. */
export const CHECK_MS = 5000;
/** Bytes of a head; Node's own limit. */
export const MAX_HEAD_BYTES = 16_384;
/** TLS handshakes that take longer (ms) are cut. */
export const HANDSHAKE_LIMIT_MS = 10_000;
/** An HTTP/2 connection with nothing on it. */
export const IDLE_SESSION_MS = 60_000;
