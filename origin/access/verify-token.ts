import { decodeJwt } from 'jose';
import type { FindSecret } from '../../platform/auth/basic.js';
import { coversStream, holdsOneOf } from '../../platform/auth/permissions.js';
import { verifyToken } from '../../platform/auth/tokens.js';
import { HoldfastError } from '../../domain/errors.js';
import type { VerifyPlaybackToken } from '../http/viewer-access.js';

/**
 * A playback token is a token of the API with permission `playback`, narrowed to the stream or not.
 *
 * @param findSecret looks the API key up; its failures count as `database_unavailable`
 */
export function createTokenVerifier(findSecret: FindSecret): VerifyPlaybackToken {
  return async (token, streamId) => {
    const credential = await verifyToken(token, async (apiKey) => {
      try {
        return await findSecret(apiKey);
      } catch (error) {
        throw new HoldfastError('database_unavailable', undefined, {}, { cause: error });
      }
    });
    if (!holdsOneOf(credential, ['playback'])) throw new HoldfastError('forbidden');
    if (!coversStream(credential, streamId)) throw new HoldfastError('forbidden', 'This token is for another stream.');
    const MS = 1000;
    return { validUntil: (decodeJwt(token).exp ?? 0) * MS };
  };
}
