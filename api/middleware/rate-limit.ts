import type { Request, RequestHandler, Response } from 'express';
import { ipKeyGenerator, rateLimit, type Options } from 'express-rate-limit';
import { HoldfastError } from '../../domain/errors.js';
import { localsOf } from '../locals.js';

const WINDOW_MS = 60_000;

const limit = (perMinute: number, keyOf: (request: Request, response: Response) => string, more: Partial<Options>) =>
  rateLimit({
    windowMs: WINDOW_MS,
    limit: perMinute,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    // Addresses are those of the connection: a header any client can write does not choose its limit.
    validate: { xForwardedForHeader: false, forwardedHeader: false },
    keyGenerator: keyOf,
    handler: (_request, _response, next) => next(new HoldfastError('rate_limited')),
    ...more,
  });

const addressOf = (request: Request): string => ipKeyGenerator(request.ip ?? 'unknown');

/** Before authentication: counts only requests that turned out to have no valid credential. */
export const limitFailures = (perMinute: number): RequestHandler =>
  limit(perMinute, addressOf, {
    standardHeaders: false,
    skipSuccessfulRequests: true,
    requestWasSuccessful: (_request, response) => response.statusCode !== 401,
  });

/** After authentication: one allowance per API key, shared by all tokens signed with it. */
export const limitRequests = (perMinute: number): RequestHandler =>
  limit(perMinute, (request, response) => localsOf(response).credential?.apiKey ?? addressOf(request), {});
