import type { Response } from 'express';
import type { Answer } from './route.js';

const FIRST_ERROR_STATUS = 400;

/** Answers hold keys and states: nobody between may keep them. */
export function sendAnswer(response: Response, { status, body, headers = {} }: Answer): void {
  const type = status >= FIRST_ERROR_STATUS ? 'application/problem+json' : 'application/json';
  response.status(status).set('cache-control', 'no-store').set(headers);
  if (body === undefined) response.end();
  else response.type(type).send(JSON.stringify(body));
}
