import type { RequestHandler } from 'express';
import { verifyBasic, type FindSecret } from '../../platform/auth/basic.js';
import type { Credential } from '../../platform/auth/permissions.js';
import { verifyToken } from '../../platform/auth/tokens.js';
import { HoldfastError } from '../../domain/errors.js';
import { localsOf } from '../locals.js';
import type { FailedCredentials } from './failed-credentials.js';

/** RFC 9110 11.4: scheme, spaces, credentials. */
const AUTHORIZATION = /^(\S+) +(\S+) *$/;

/** Knows afterwards who calls (`localsOf(response).credential`), or answers 401, and 429 after too many of these. */
export function authenticate(findSecret: FindSecret, failed: FailedCredentials): RequestHandler {
  return async (request, response, next) => {
    const verify = (): Promise<Credential> => credentialOf(request.headers.authorization, findSecret);
    localsOf(response).credential = await failed.check(request, response, verify);
    next();
  };
}

async function credentialOf(header: string | undefined, findSecret: FindSecret): Promise<Credential> {
  if (header === undefined) throw new HoldfastError('unauthenticated');
  const [, scheme, value] = AUTHORIZATION.exec(header) ?? [];
  if (scheme === undefined || value === undefined) throw new HoldfastError('unauthenticated');
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return verifyToken(value, findSecret);
    case 'basic': {
      const pair = Buffer.from(value, 'base64').toString('utf8');
      const colon = pair.indexOf(':');
      if (colon < 0) throw new HoldfastError('invalid_credentials');
      return verifyBasic(pair.slice(0, colon), pair.slice(colon + 1), findSecret);
    }
    default:
      throw new HoldfastError('unauthenticated');
  }
}
