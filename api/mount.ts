import type { Express, Request, RequestHandler, Response } from 'express';
import { coversStream, holdsOneOf, type Credential } from '../platform/auth/permissions.js';
import { HoldfastError } from '../domain/errors.js';
import type { ApiDependencies } from './dependencies.js';
import { newAttemptId } from './ids.js';
import { localsOf } from './locals.js';
import { authenticate } from './middleware/authenticate.js';
import { answerOnce, hashRequest, readIdempotencyKey, scopeOf } from './middleware/idempotency.js';
import { FailedCredentials } from './middleware/failed-credentials.js';
import { limitRequests } from './middleware/rate-limit.js';
import { readBody } from './middleware/read-body.js';
import { expressPath, type Answer, type Route } from './route.js';
import { sendAnswer } from './send-answer.js';
import { NOTHING, validate } from './validate.js';

/**
 * Puts the routes on the app, each behind the same checks in the same order: who calls, how often, what may they, is
 * the address well-formed, is the request.
 */
export function mountRoutes(app: Express, routes: readonly Route[], deps: ApiDependencies): void {
  const before: RequestHandler[] = [
    authenticate(deps.apiKeys.findSecret, new FailedCredentials(deps.requestsPerMinute)),
    limitRequests(deps.requestsPerMinute),
  ];
  for (const route of routes) {
    const named: RequestHandler = (_request, response, next) => {
      localsOf(response).route = route.path;
      next();
    };
    const body = route.method === 'post' || route.method === 'patch' ? [readBody] : [];
    app[route.method](expressPath(route.path), named, ...before, allow(route), ...body, async (request, response) => {
      sendAnswer(response, await answer(route, deps, request, response));
    });
  }
}

/** Before the body is read: who may not call does not learn what would have been valid. */
function allow(route: Route): RequestHandler {
  return (request, response, next) => {
    const credential = credentialOf(response);
    if (route.permissions.length > 0 && !holdsOneOf(credential, route.permissions)) {
      throw new HoldfastError('forbidden', `This call needs the permission ${route.permissions.join(' or ')}.`);
    }
    route.restrict?.(credential);
    const params = paramsOf(request);
    if (params.streamId !== undefined && !coversStream(credential, params.streamId)) {
      throw new HoldfastError('forbidden', 'The token is for another stream.');
    }
    for (const [name, { pattern, missing }] of Object.entries(route.params ?? {})) {
      if (!pattern.test(params[name] ?? '')) throw new HoldfastError(missing);
    }
    next();
  };
}

async function answer(route: Route, deps: ApiDependencies, request: Request, response: Response): Promise<Answer> {
  const { requestId } = localsOf(response);
  const credential = credentialOf(response);
  const key = route.method === 'post' ? readIdempotencyKey(request.get('idempotency-key')) : undefined;
  // Not read for GET and DELETE; a body of `null` is something that was sent.
  const sent: unknown = request.body === undefined ? {} : request.body;
  const call = {
    params: paramsOf(request),
    body: validate(route.body ?? NOTHING, sent, 'body'),
    query: validate(route.query ?? NOTHING, { ...request.query }, 'query'),
    credential,
    requestId,
  };
  const attemptId = newAttemptId();
  const run = (id: string): Promise<Answer> => route.handle({ ...call, attemptId: id });
  if (key === undefined) return run(attemptId);
  const requestHash = hashRequest(request.method, request.path, sent);
  const { apiKey } = credential;
  const keyed = { apiKey, scope: scopeOf(credential), key, requestHash, resourceId: attemptId };
  return answerOnce(deps.idempotency, { request: keyed, requestId, run });
}

function credentialOf(response: Response): Credential {
  const { credential } = localsOf(response);
  if (!credential) throw new HoldfastError('unauthenticated');
  return credential;
}

const paramsOf = (request: Request): Record<string, string> => request.params as Record<string, string>;
