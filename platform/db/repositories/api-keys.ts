import type { Knex } from 'knex';
import type { SecretBox } from '../../auth/secret-box.js';

interface ApiKeyRow {
  api_key: string;
  name: string;
  secret_encrypted: string;
  created_at: Date;
  revoked_at: Date | null;
}

export interface ApiKeyPair {
  apiKey: string;
  apiSecret: string;
}

export type ApiKeyRepository = ReturnType<typeof createApiKeyRepository>;

/** API keys and their secrets. */
export function createApiKeyRepository(db: Knex, secrets: SecretBox) {
  const rows = () => db<ApiKeyRow>('api_keys');
  return {
    /** The secret, or null for a key that is unknown or revoked. */
    async findSecret(apiKey: string): Promise<string | null> {
      // Postgres text cannot hold NUL: such a key is unknown, not an error.
      if (apiKey.includes('\0')) return null;
      const row = await rows().where({ api_key: apiKey, revoked_at: null }).first('secret_encrypted');
      return row ? secrets.decrypt(row.secret_encrypted) : null;
    },

    /** The key with this name, revoked ones left out. */
    async findByName(name: string): Promise<ApiKeyPair | null> {
      const row = await rows().where({ name, revoked_at: null }).first();
      return row ? { apiKey: row.api_key, apiSecret: secrets.decrypt(row.secret_encrypted) } : null;
    },

    /** Stores the key under this name; a key that had the name, or the same key under another name, is replaced. */
    async put(name: string, pair: ApiKeyPair): Promise<void> {
      await db.transaction(async (trx) => {
        await trx<ApiKeyRow>('api_keys').where({ name }).whereNot({ api_key: pair.apiKey }).delete();
        const row = { name, secret_encrypted: secrets.encrypt(pair.apiSecret), revoked_at: null };
        await trx<ApiKeyRow>('api_keys')
          .insert({ ...row, api_key: pair.apiKey, created_at: new Date() })
          .onConflict('api_key')
          .merge(row);
      });
    },

    /** From now on nothing signed with, or sent with, this key is accepted. */
    async revoke(apiKey: string): Promise<boolean> {
      return (await rows().where({ api_key: apiKey, revoked_at: null }).update({ revoked_at: new Date() })) > 0;
    },
  };
}
