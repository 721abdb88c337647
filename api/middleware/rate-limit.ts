import type { Request, RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';
import type { Credential } from '../../platform/auth/permissions.js';
import { clientNetwork } from '../../domain/client-network.js';
import { HoldfastError } from '../../domain/errors.js';
import { localsOf } from '../locals.js';

export const WINDOW_MS = 60_000;
/** Checks of the package's own that do not know `trust proxy` to be set from the settings, nor our way to count IPv6. */
export const UNCHECKED = { xForwardedForHeader: false, forwardedHeader: false, keyGeneratorIpFallback: false };

/** Whom a request without a valid credential is counted to; behind trusted proxies the client they name. */
export const networkOf = (request: Request): string => clientNetwork(request.ip ?? '');

/**
 * After authentication: one allowance per API key, shared by all tokens signed with it; but whoever was given a token
 * for one stream has that stream's own, so that nobody who holds one can use up the key's.
 */
export const limitRequests = (perMinute: number): RequestHandler =>
  rateLimit({
    windowMs: WINDOW_MS,
    limit: perMinute,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    validate: UNCHECKED,
    keyGenerator: (request, response) => {
      const { credential } = localsOf(response);
      return credential ? holderOf(credential) : networkOf(request);
    },
    handler: (_request, _response, next) => next(new HoldfastError('rate_limited')),
  });

const holderOf = ({ apiKey, streamId }: Credential): string => JSON.stringify(streamId === null ? [apiKey] : [apiKey, streamId]);
