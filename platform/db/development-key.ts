import { randomBytes } from 'node:crypto';
import type { Knex } from 'knex';
import type { SecretBox } from '../auth/secret-box.js';
import { createApiKeyRepository, type ApiKeyPair } from './repositories/api-keys.js';

const DEVELOPMENT_KEY_NAME = 'development';
/** Any number, for this alone: two launchers on one database must agree on one key. */
const DEVELOPMENT_KEY_LOCK = 7_204_812;
const API_KEY_BYTES = 12;
/** 256 bits, the size RFC 7518 3.2 asks of an HS256 key. */
const API_SECRET_BYTES = 32;

/** A fresh key and secret: letters and digits only, so that they fit into headers, URLs and shells. */
export const newApiKeyPair = (): ApiKeyPair => ({
  apiKey: `hf_${randomBytes(API_KEY_BYTES).toString('hex')}`,
  apiSecret: `hfs_${randomBytes(API_SECRET_BYTES).toString('hex')}`,
});

/**
 * The API key a newcomer works with: the one already there, else `wanted`, else a fresh one. If `wanted` differs from
 * what is there, it replaces it.
 */
export async function ensureDevelopmentKey(db: Knex, secrets: SecretBox, wanted?: ApiKeyPair): Promise<ApiKeyPair> {
  return db.transaction(async (trx) => {
    await trx.raw('select pg_advisory_xact_lock(?)', [DEVELOPMENT_KEY_LOCK]);
    const apiKeys = createApiKeyRepository(trx, secrets);
    const present = await apiKeys.findByName(DEVELOPMENT_KEY_NAME);
    if (present && (!wanted || isSame(present, wanted))) return present;
    const pair = wanted ?? newApiKeyPair();
    await apiKeys.put(DEVELOPMENT_KEY_NAME, pair);
    return pair;
  });
}

const isSame = (a: ApiKeyPair, b: ApiKeyPair): boolean => a.apiKey === b.apiKey && a.apiSecret === b.apiSecret;
