import { HoldfastError, type ErrorCode } from '../domain/errors.js';
import { isDatabaseUnavailable } from '../platform/db/unavailable.js';
import type { Answer } from './route.js';

/** What body-parser calls its errors → ours. */
const BODY_ERRORS: Record<string, ErrorCode> = {
  'entity.too.large': 'payload_too_large',
  'encoding.unsupported': 'unsupported_media_type',
  'charset.unsupported': 'unsupported_media_type',
  'entity.parse.failed': 'invalid_json',
};

/** Time after which the same request may succeed; short, since what is restarted is back within seconds. */
const RETRY_AFTER_SECONDS = 2;

/** RFC 9110, 11.6.1: both ways to authenticate. */
const CHALLENGE = 'Bearer realm="holdfast", Basic realm="holdfast", charset="UTF-8"';

/** Any error in the terms of the error table; what is not known is `internal` and says nothing about itself. */
export function toHoldfastError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  if (error instanceof Error) {
    const { type, status } = error as { type?: unknown; status?: unknown };
    if (typeof type === 'string' && BODY_ERRORS[type]) return new HoldfastError(BODY_ERRORS[type]);
    if (typeof status === 'number' && status >= 400 && status < 500) return new HoldfastError('invalid_request');
    if (isDatabaseUnavailable(error)) return new HoldfastError('database_unavailable', undefined, {}, { cause: error });
  }
  return new HoldfastError('internal', undefined, {}, { cause: error });
}

/** The answer for an error: problem details (RFC 9457) with the stable code, and the headers that go with it. */
export function toProblem(error: HoldfastError, requestId: string): Answer {
  const { status, message, retryable } = error.kind;
  const headers: Record<string, string> = {};
  if (status === 401) headers['www-authenticate'] = CHALLENGE;
  if (retryable && (status === 503 || status === 409)) headers['retry-after'] = String(RETRY_AFTER_SECONDS);
  const body = {
    type: `urn:holdfast:error:${error.code}`,
    title: message,
    status,
    detail: error.code === 'internal' ? message : error.message,
    code: error.code,
    requestId,
    ...(error.code === 'internal' ? {} : error.details),
  };
  return { status, body, headers };
}
