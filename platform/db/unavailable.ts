/** Socket errors of Node, and SQLSTATE classes that mean "not now": connection, resources, operator intervention. */
const SOCKET_CODES = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
];
const SQLSTATE_CLASSES = ['08', '53', '57'];
const LOCK_NOT_AVAILABLE = '55P03';
/** Errors of knex and pg that carry no code. */
const MESSAGES = /connection (terminated|ended)|query read timeout|timeout (expired|acquiring)|unable to acquire/i;

/**
 * True when Postgres could not be asked or could not answer (as opposed to having refused what it was asked), so that
 * the same request can succeed later.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') {
    if (SOCKET_CODES.includes(code) || code === LOCK_NOT_AVAILABLE) return true;
    if (/^[0-9A-Z]{5}$/.test(code)) return SQLSTATE_CLASSES.includes(code.slice(0, 2));
  }
  return MESSAGES.test(error.message);
}
