import { createHash, timingSafeEqual } from 'node:crypto';
import { HoldfastError } from '../../domain/errors.js';
import type { Credential } from './permissions.js';

/** The secret of an API key, or null when there is no such key or it was revoked. */
export type FindSecret = (apiKey: string) => Promise<string | null>;

const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();

/** Compared when the API key is unknown, so that the answer takes as long as for a known one. */
const NO_SECRET = '';

/**
 * Checks an API key and its secret (HTTP Basic, RFC 7617). Throws `invalid_credentials`, never saying which of the
 * two was wrong. Digests are compared, in constant time, so that not even a length shows.
 */
export async function verifyBasic(apiKey: string, secret: string, findSecret: FindSecret): Promise<Credential> {
  const known = await findSecret(apiKey);
  const equal = timingSafeEqual(digest(secret), digest(known ?? NO_SECRET));
  if (known === null || !equal) throw new HoldfastError('invalid_credentials');
  return { kind: 'basic', apiKey, permissions: ['admin'], streamId: null };
}
