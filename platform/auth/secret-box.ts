import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { HoldfastError } from '../../domain/errors.js';
import { deriveKey, SCHEME } from './derive-key.js';

/** What may lie in the database of a secret: its ciphertext, or a keyed hash to find it by. */
export interface SecretBox {
  /** AES-256-GCM under a fresh nonce: two encryptions of one text differ. The result is printable ASCII. */
  encrypt(text: string): string;
  /** Throws `internal` when the text was encrypted under another master key, or changed. */
  decrypt(encrypted: string): string;
  /** HMAC-SHA256 in hex: finds a stream key without storing it; useless to whoever has only the database. */
  lookupHash(text: string): string;
}

/** NIST SP 800-38D: 96-bit nonce, 128-bit tag. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = 'aes-256-gcm';

/** @param masterKey 32 bytes; see auth/master-key.ts */
export function createSecretBox(masterKey: Uint8Array): SecretBox {
  const encryptionKey = deriveKey(masterKey, 'encryption');
  const lookupKey = deriveKey(masterKey, 'lookup');
  return {
    encrypt(text) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, encryptionKey, nonce);
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return `${SCHEME}.${Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url')}`;
    },
    decrypt(encrypted) {
      try {
        return open(encrypted, encryptionKey);
      } catch (error) {
        const message = 'A stored secret cannot be decrypted: this is not the master key it was stored with.';
        throw new HoldfastError('internal', message, {}, { cause: error });
      }
    },
    lookupHash: (text) => createHmac('sha256', lookupKey).update(text, 'utf8').digest('hex'),
  };
}

function open(encrypted: string, key: Buffer): string {
  const [scheme, payload] = encrypted.split('.');
  if (scheme !== SCHEME || payload === undefined) throw new Error('unknown scheme');
  const bytes = Buffer.from(payload, 'base64url');
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAuthTag(tag);
  return decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
}
