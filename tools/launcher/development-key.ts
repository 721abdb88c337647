import { readFile, rename, writeFile } from 'node:fs/promises';
import { createSecretBox } from '../../platform/auth/secret-box.js';
import { connectDatabase } from '../../platform/db/connection.js';
import { ensureDevelopmentKey } from '../../platform/db/development-key.js';

export interface ApiKeyPair {
  apiKey: string;
  apiSecret: string;
}

const OWNER_ONLY = 0o600;

/**
 * The API key a newcomer works with. The pair is kept in a file too, so that it stays the same when the database is
 * made anew; where the two differ, the file wins.
 *
 * @param path of the file; made when missing, readable by its owner alone
 */
export async function developmentKey(databaseUrl: string, masterKey: Uint8Array, path: string): Promise<ApiKeyPair> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  const wanted = text === null ? undefined : (JSON.parse(text) as ApiKeyPair);
  const database = connectDatabase(databaseUrl);
  try {
    const { apiKey, apiSecret } = await ensureDevelopmentKey(database, createSecretBox(masterKey), wanted);
    if (!wanted) {
      await writeFile(`${path}.tmp`, `${JSON.stringify({ apiKey, apiSecret })}\n`, { mode: OWNER_ONLY });
      await rename(`${path}.tmp`, path);
    }
    return { apiKey, apiSecret };
  } finally {
    await database.destroy();
  }
}
