import { randomBytes } from 'node:crypto';
import { decodeJwt, errors, jwtVerify, SignJWT, type JWTPayload } from 'jose';
import { HoldfastError } from '../../domain/errors.js';
import type { FindSecret } from './basic.js';
import { isPermission, type Credential, type Permission } from './permissions.js';

/** The only algorithm accepted: a token may not choose another one (RFC 8725, 3.1). */
const ALGORITHM = 'HS256';
/** How far the clocks of app server and Holdfast may differ before an expired token is refused. */
const CLOCK_TOLERANCE_SECONDS = 5;
/** A signer whose clock is ahead does no harm; one that is far ahead would stretch the lifetime. */
const MAX_IAT_AHEAD_SECONDS = 60;
/** A token cannot be taken back but by revoking its API key, so none lives longer than this. */
export const MAX_TOKEN_LIFETIME_SECONDS = 30 * 24 * 3600;

export interface TokenRequest {
  apiKey: string;
  apiSecret: string;
  permissions: readonly Permission[];
  /** Narrows the token to one stream. */
  streamId?: string;
  expiresInSeconds: number;
}

export interface SignedToken {
  token: string;
  expiresAt: Date;
}

/** A JWT with claims apikey, iat, exp, permissions and, if narrowed, streamId. App servers make the same themselves. */
export async function signToken(request: TokenRequest, now: Date = new Date()): Promise<SignedToken> {
  const issuedAt = Math.floor(now.getTime() / 1000);
  const expiresAt = issuedAt + request.expiresInSeconds;
  const token = await new SignJWT({
    apikey: request.apiKey,
    permissions: [...request.permissions],
    ...(request.streamId === undefined ? {} : { streamId: request.streamId }),
  })
    .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
    .setIssuedAt(issuedAt)
    .setExpirationTime(expiresAt)
    .sign(keyOf(request.apiSecret));
  return { token, expiresAt: new Date(expiresAt * 1000) };
}

/**
 * Checks a token and returns who calls. Throws `token_expired` or `invalid_credentials`; what is wrong with a claim
 * is said only when the signature was right.
 */
export async function verifyToken(token: string, findSecret: FindSecret, now: Date = new Date()): Promise<Credential> {
  const apiKey = claimedKey(token);
  const secret = await findSecret(apiKey);
  const payload = await verifySignature(token, secret, now);
  return { kind: 'token', apiKey, ...checkClaims(payload, now) };
}

const keyOf = (secret: string): Uint8Array => new TextEncoder().encode(secret);

function claimedKey(token: string): string {
  try {
    const { apikey } = decodeJwt(token);
    if (typeof apikey === 'string' && apikey !== '') return apikey;
  } catch {
    // What is not a JWT has no valid claim either; the answer below is the same.
  }
  throw new HoldfastError('invalid_credentials');
}

/** An unknown key is verified against a random secret, so that it takes as long as a wrong signature. */
async function verifySignature(token: string, secret: string | null, now: Date): Promise<JWTPayload> {
  const DECOY_BYTES = 32;
  try {
    const { payload } = await jwtVerify(token, secret === null ? randomBytes(DECOY_BYTES) : keyOf(secret), {
      algorithms: [ALGORITHM],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: now,
      requiredClaims: ['iat', 'exp'],
    });
    return payload;
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw new HoldfastError('token_expired');
    if (error instanceof errors.JWTClaimValidationFailed) {
      throw new HoldfastError('invalid_credentials', `The token's claim "${error.claim}" is missing or not valid.`);
    }
    throw new HoldfastError('invalid_credentials');
  }
}

function checkClaims(payload: JWTPayload, now: Date): Pick<Credential, 'permissions' | 'streamId'> {
  const { iat = 0, exp = 0, permissions, streamId = null } = payload;
  const refuse = (message: string): never => {
    throw new HoldfastError('invalid_credentials', message);
  };
  if (iat > now.getTime() / 1000 + MAX_IAT_AHEAD_SECONDS) refuse('The claim "iat" lies in the future.');
  if (exp - iat > MAX_TOKEN_LIFETIME_SECONDS) {
    refuse(`The token lives too long: exp may be at most ${MAX_TOKEN_LIFETIME_SECONDS} seconds after iat.`);
  }
  if (!Array.isArray(permissions)) return refuse('The claim "permissions" must be a list.');
  if (!permissions.every(isPermission)) return refuse('The token has a permission that does not exist.');
  if (streamId !== null && typeof streamId !== 'string') return refuse('The claim "streamId" must be a string.');
  return { permissions, streamId };
}
