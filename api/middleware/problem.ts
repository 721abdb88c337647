import type { ErrorRequestHandler } from 'express';
import type { Logger } from '../../platform/log/logger.js';
import { localsOf } from '../locals.js';
import { toHoldfastError, toProblem } from '../problem.js';
import { sendAnswer } from '../send-answer.js';

/** The one place errors become answers. Our own faults are logged in full, an outage by its reason, a caller's not. */
export function problemHandler(log: Logger): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    const known = toHoldfastError(error);
    const locals = localsOf(response);
    locals.errorCode = known.code;
    if (known.kind.status >= 500) {
      const cause = rootCause(known);
      const line = { requestId: locals.requestId, code: known.code, error: known.message, cause: cause.message };
      if (known.code === 'internal') log.error({ ...line, stack: cause.stack }, 'request failed');
      else log.warn(line, 'request failed');
    }
    if (response.headersSent) return next(error);
    sendAnswer(response, toProblem(known, locals.requestId));
  };
}

/** What happened first: the errors around it only say who was told. */
function rootCause(error: Error): Error {
  return error.cause instanceof Error ? rootCause(error.cause) : error;
}
