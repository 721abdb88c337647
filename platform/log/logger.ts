import { pino, type Logger } from 'pino';

export type { Logger } from 'pino';

/** Fields that may hold a secret; their values never reach a log line. */
const SECRET_FIELDS = ['streamKey', 'secret', 'apiSecret', 'authorization', 'password', 'token', 'url'];

/**
 * The process's logger: JSON lines on stdout, one `process` field naming who speaks. The launcher makes them
 * readable on a terminal.
 */
export function createLogger(processName: string, level = 'info'): Logger {
  return pino({
    level,
    base: { process: processName },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`]), censor: '[hidden]' },
  });
}
