import type { RequestHandler } from 'express';
import { newRequestId } from '../ids.js';
import { localsOf } from '../locals.js';

/** An id given by a proxy is kept, if it is harmless in a log. */
const GIVEN = /^[A-Za-z0-9_.-]{1,128}$/;

/** Names each request in its answer, its errors and the log. */
export const requestId: RequestHandler = (request, response, next) => {
  const given = request.headers['x-request-id'];
  const id = typeof given === 'string' && GIVEN.test(given) ? given : newRequestId();
  localsOf(response).requestId = id;
  response.setHeader('x-request-id', id);
  next();
};
